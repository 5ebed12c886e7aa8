//! Whether a frame is the application's own code.
//!
//! The client's word is taken, except where a path proves it wrong: some SDKs leave the flag open, others flag a virtualenv inside the
//! project as the project's own code.

use std::collections::HashSet;

use crate::protocol::event::{Event, Frame, Stacktrace, Text};

/// How a path begins that names a part of the runtime instead of a file.
const RUNTIME_PREFIXES: &[&str] = &["node:", "<frozen ", "<built-in", "[native code]", "ext:", "deno:", "bun:", "native "];
/// Packages of the Java platform, which say nothing in their paths. Only asked when the client left the flag open.
const JAVA_PLATFORM: &[&str] = &["java.", "javax.", "jdk.", "sun.", "com.sun.", "kotlin.", "scala.", "clojure.", "groovy."];

/// Decides for one frame from its paths and the client's flag. Deciding twice changes nothing.
pub fn decide(frame: &Frame) -> bool {
    !is_library(frame) && said_or_guessed(frame)
}

/// Sets `in_app` on every frame of an event, and `client_in_app` where the client had said something else.
pub fn mark(event: &mut Event<'_>) {
    let library_packages: HashSet<String> = if frames(event).any(is_generated) {
        frames(event).filter(|frame| is_library(frame)).filter_map(package).collect()
    } else {
        HashSet::new()
    };
    for frame in stacktraces_mut(event).flat_map(|trace| &mut trace.frames) {
        let belongs_to_library = || is_generated(frame) && package(frame).is_some_and(|package| library_packages.contains(&package));
        let decided = decide(frame) && !belongs_to_library();
        if frame.client_in_app.is_none() && frame.in_app.is_some_and(|said| said != decided) {
            frame.client_in_app = frame.in_app;
        }
        frame.in_app = Some(decided);
    }
}

/// The client's word, else whether it looks like an application's.
fn said_or_guessed(frame: &Frame) -> bool {
    frame.client_in_app.or(frame.in_app).unwrap_or_else(|| !is_platform_package(frame))
}

fn is_library(frame: &Frame) -> bool {
    [&frame.abs_path, &frame.filename, &frame.package].into_iter().flatten().any(|path| is_library_path(path))
}

fn is_library_path(path: &str) -> bool {
    let is_old_node = path.starts_with("internal/") && path.ends_with(".js");
    if is_old_node || RUNTIME_PREFIXES.iter().any(|prefix| path.starts_with(prefix)) {
        return true;
    }
    let bytes = path.as_bytes();
    is_library_part(bytes) || (1..bytes.len()).any(|at| matches!(bytes[at - 1], b'/' | b'\\') && is_library_part(&bytes[at..]))
}

/// Whether a path goes on, at its beginning or after a slash, with what only packages and runtimes have.
fn is_library_part(rest: &[u8]) -> bool {
    let any = |parts: &[&str]| parts.iter().any(|part| after(rest, part).is_some());
    match rest.first().map(u8::to_ascii_lowercase) {
        Some(b'b') => any(&["bower_components/", "bundle/gems/", "bundler/gems/"]),
        Some(b'c') => any(&["cargo/registry/src/"]),
        Some(b'd') => any(&["dist-packages/"]),
        Some(b'g') => any(&["go/pkg/mod/"]),
        Some(b'l') => any(&["lib/ruby/"]) || is_python_lib(rest),
        Some(b'n') => any(&["node_modules/", "nptl/"]),
        Some(b'p') => is_python_on_windows(rest),
        Some(b'r') => any(&["registry/src/index.", "rustc/"]),
        Some(b's') => any(&["site-packages/", "sysdeps/unix/"]),
        Some(b'u') => {
            any(&["usr/local/lib/", "usr/lib/", "usr/lib64/", "usr/local/go/src/", "usr/share/nodejs/", "usr/share/rubygems-integration/"])
        }
        Some(b'v') => any(&["vendor/"]),
        Some(b'.') => any(&[".cargo/registry/", ".cargo/git/", ".rustup/", ".gem/", ".rvm/gems/", ".pub-cache/", ".m2/repository/"]),
        _ => false,
    }
}

/// `lib/python3.12/…`, `lib/python312.zip/…`.
fn is_python_lib(rest: &[u8]) -> bool {
    let version = after(rest, "lib/python").or_else(|| after(rest, "lib64/python"));
    version.and_then(<[u8]>::first).is_some_and(u8::is_ascii_digit)
}

/// Windows' `python312/lib/…`.
fn is_python_on_windows(rest: &[u8]) -> bool {
    let Some(version) = after(rest, "python").filter(|version| version.first().is_some_and(u8::is_ascii_digit)) else { return false };
    let len = version.iter().take_while(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-')).count();
    after(&version[len..], "/lib/").is_some_and(|below| after(below, "python").is_none())
}

/// What follows a part of a path, which is given in lower case with forward slashes.
fn after<'a>(rest: &'a [u8], part: &str) -> Option<&'a [u8]> {
    let (begin, below) = rest.split_at_checked(part.len())?;
    let is_same = |(byte, wanted): (&u8, u8)| byte.to_ascii_lowercase() == wanted || *byte == b'\\' && wanted == b'/';
    begin.iter().zip(part.bytes()).all(is_same).then_some(below)
}

fn is_platform_package(frame: &Frame) -> bool {
    frame.module.as_deref().is_some_and(|module| JAVA_PLATFORM.iter().any(|prefix| module.starts_with(prefix)))
}

/// Code that no file holds, made by `exec` or `eval`.
fn is_generated(frame: &Frame) -> bool {
    let names_no_file = |path: &Text<'_>| path.ends_with('>') && path.rsplit(['/', '\\']).next().is_some_and(|name| name.starts_with('<'));
    [&frame.filename, &frame.abs_path].into_iter().flatten().any(names_no_file)
}

/// The first part of a dotted module: `urllib3` of `urllib3.packages.six`.
fn package(frame: &Frame<'_>) -> Option<String> {
    let first = frame.module.as_deref()?.split(['.', '/']).next()?;
    (!first.is_empty()).then(|| first.to_owned())
}

fn frames<'a>(event: &'a Event<'a>) -> impl Iterator<Item = &'a Frame<'a>> {
    let of_exceptions = event.exceptions.iter().filter_map(|exception| exception.stacktrace.as_ref());
    let of_threads = event.threads.iter().filter_map(|thread| thread.stacktrace.as_ref());
    of_exceptions.chain(of_threads).chain(event.stacktrace.as_ref()).flat_map(|trace| &trace.frames)
}

fn stacktraces_mut<'e, 'a>(event: &'e mut Event<'a>) -> impl Iterator<Item = &'e mut Stacktrace<'a>> {
    let of_exceptions = event.exceptions.iter_mut().filter_map(|exception| exception.stacktrace.as_mut());
    let of_threads = event.threads.iter_mut().filter_map(|thread| thread.stacktrace.as_mut());
    of_exceptions.chain(of_threads).chain(event.stacktrace.as_mut())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str, said: Option<bool>) -> Frame<'_> {
        Frame { abs_path: Some(path.into()), in_app: said, ..Frame::default() }
    }

    #[test]
    fn the_clients_word_is_taken_for_ordinary_paths() {
        for path in [
            "/app/shop/views.py",
            "internal/api.py",
            "/app/gems/pods/views.py",
            "/usr/share/webapps/shop/views.py",
            "vendors/x.py",
            "x/vendor",
            "/python/lib/x.py",
        ] {
            assert!(decide(&at(path, Some(true))), "{path}");
        }
        assert!(!decide(&at("/app/shop/views.py", Some(false))));
    }

    #[test]
    fn packages_and_runtimes_are_never_the_application() {
        for path in [
            "/app/.venv/lib/python3.12/site-packages/django/core/handlers/base.py",
            "/usr/local/lib/python3.11/json/decoder.py",
            "/home/u/.pyenv/versions/3.12.1/lib/python3.12/json/decoder.py",
            r"C:\Python312\Lib\json\decoder.py",
            r"C:\app\venv\Lib\site-packages\requests\api.py",
            "node_modules/express/lib/router.js",
            "/opt/build/cargo/registry/src/index.example-1949cf8c6b5b557f/sentry-panic-0.49.5/src/lib.rs",
            "./misc/../sysdeps/unix/sysv/linux/x86_64/clone3.S",
            "node:internal/process/task_queues",
            "internal/process/next_tick.js",
            "/usr/local/bundle/gems/rack-3.0.8/lib/rack/builder.rb",
            "<frozen importlib._bootstrap>",
            "/home/u/go/pkg/mod/github.com/gin-gonic/gin@v1.9.0/context.go",
            "/home/u/.cargo/registry/src/index.example-1/tokio-1.40.0/src/lib.rs",
            "usr/lib/python3/x.py",
            "VENDOR/x.php",
            r"c:\python-3.1\x\dist-packages\y.py",
            "/usr/share/nodejs/x.js",
        ] {
            assert!(!decide(&at(path, Some(true))), "{path}");
        }
    }

    #[test]
    fn an_open_flag_is_decided_by_the_path() {
        assert!(decide(&at("/srv/www/shop/orders/views.py", None)));
        assert!(!decide(&at("/usr/lib/python3.12/json/decoder.py", None)));
        assert!(!decide(&Frame { module: Some("java.lang.Thread".into()), ..Frame::default() }));
    }

    #[test]
    fn generated_code_of_a_library_is_library() {
        let mut generated = at("/usr/src/app/<string>", Some(true));
        generated.filename = Some("<string>".into());
        generated.module = Some("urllib3.packages.six".into());
        let mut own = generated.clone();
        own.module = Some("orders.models".into());
        let mut library = at("/usr/local/lib/python3.12/site-packages/urllib3/connectionpool.py", Some(false));
        library.module = Some("urllib3.connectionpool".into());
        let trace = Stacktrace { frames: vec![own, generated, library], ..Stacktrace::default() };
        let mut event = Event { stacktrace: Some(trace), ..Event::default() };
        mark(&mut event);
        let once = event.clone();
        mark(&mut event);
        assert_eq!(event, once);
        let frames = event.stacktrace.map(|trace| trace.frames).unwrap_or_default();
        assert_eq!(frames.iter().map(|frame| frame.in_app).collect::<Vec<_>>(), [Some(true), Some(false), Some(false)]);
        assert_eq!(frames[1].client_in_app, Some(true));
    }
}
