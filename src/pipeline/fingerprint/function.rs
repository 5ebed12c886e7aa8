//! Names of functions without what a compiler, a framework or an interpreter made up.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

use crate::protocol::event::{Frame, Text};
use crate::protocol::json::Json;

/// Event loop and transpiler frames of JavaScript, whatever code runs on them.
const PLUMBING: &[&str] = &[
    "processTicksAndRejections",
    "runMicrotasks",
    "_tickCallback",
    "nextTick",
    "__awaiter",
    "__generator",
    "asyncGeneratorStep",
    "_asyncToGenerator",
    "regeneratorRuntime",
];
/// Names too common to be plumbing by themselves, which they are in these files.
const PLUMBING_FILES: &[&str] = &["tslib", "regenerator-runtime", "@babel/runtime", "core-js", "zone.js"];
const ANONYMOUS: &[&str] = &["", "?", "<anonymous>", "anonymous", "(anonymous)", "<unknown>", "<redacted>"];

/// Whether the frame is an event loop's or a transpiler's.
pub fn is_plumbing(raw: &str, frame: &Frame, platform: &str) -> bool {
    if !matches!(platform, "javascript" | "node") {
        return false;
    }
    let in_file = |path: &Option<Text<'_>>| path.as_deref().is_some_and(|path| PLUMBING_FILES.iter().any(|part| path.contains(part)));
    PLUMBING.contains(&last_part(raw)) || in_file(&frame.filename) || in_file(&frame.abs_path)
}

/// The name that contributes; empty for functions without one.
pub fn name<'a>(raw: &'a str, frame: &Frame, platform: &str) -> Cow<'a, str> {
    match platform {
        "javascript" | "node" => javascript(raw),
        "python" => python(raw, frame),
        _ if ANONYMOUS.contains(&raw) => Cow::default(),
        _ => without_generated(raw),
    }
}

fn javascript(raw: &str) -> Cow<'_, str> {
    let called = raw.split(" [as ").next().unwrap_or_default();
    let called = called.trim_start_matches("async ").trim_start_matches("new ");
    let last = last_part(called);
    if ANONYMOUS.contains(&last) { Cow::default() } else { without_generated(last) }
}

fn last_part(raw: &str) -> &str {
    raw.rsplit(['.', '/']).next().unwrap_or_default()
}

/// `Class.method` where the class can be read from the locals and belongs to the frame's own module; an inherited method keeps its bare
/// name, since it is one function whatever object runs it.
fn python<'a>(raw: &'a str, frame: &Frame) -> Cow<'a, str> {
    let qualified = within_function(raw);
    if qualified.contains('.') || qualified.starts_with('<') {
        return Cow::Borrowed(qualified);
    }
    match class_of(frame) {
        Some(class) => Cow::Owned([class, ".", qualified].concat()),
        None => Cow::Borrowed(qualified),
    }
}

/// What follows the last `<locals>.`, which most names do not have.
fn within_function(name: &str) -> &str {
    if name.contains('<') { name.rsplit("<locals>.").next().unwrap_or_default() } else { name }
}

/// The class in `<shop.models.Order object at 0x7f…>` or `<class 'shop.models.Order'>`.
fn class_of<'a>(frame: &'a Frame<'a>) -> Option<&'a str> {
    let own = |name: &str| frame.vars.get(name).and_then(Json::as_str);
    let object = own("self").and_then(|repr| before_address(repr.strip_prefix('<')?));
    let class = || own("cls").and_then(|repr| repr.strip_prefix("<class '")?.split_once("'>").map(|(path, _)| path));
    let path = object.or_else(class)?;
    let path = within_function(path);
    let (module, class) = path.rsplit_once('.').unwrap_or(("", path));
    let has_form = !class.is_empty() && class.chars().all(|c| c.is_alphanumeric() || c == '_');
    let own_module = frame
        .module
        .as_deref()
        .is_none_or(|at| module.is_empty() || module.strip_prefix(at).is_some_and(|below| below.is_empty() || below.starts_with('.')));
    (has_form && own_module).then_some(class)
}

/// What stands before the first ` object at 0x`.
fn before_address(repr: &str) -> Option<&str> {
    let (end, _) = repr.match_indices(' ').find(|(at, _)| repr[*at..].starts_with(" object at 0x"))?;
    Some(&repr[..end])
}

/// How the representation of `self` begins, up to the first character that no name has.
pub fn owner<'a>(frame: &'a Frame<'a>) -> Option<&'a str> {
    let repr = ["self", "cls"].iter().find_map(|name| frame.vars.get(name)?.as_str())?;
    let name = repr.trim_start_matches("<class '").trim_start_matches('<');
    let end = name.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '.').unwrap_or(name.len());
    (end > 0).then(|| &name[..end])
}

/// Each with what is left of it.
static GENERATED: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (r"\$\$(?:Enhancer|FastClass)\w*?(?:CGLIB|BySpring\w*)\$\$[0-9a-f]+|\$\$SpringCGLIB\$\$[0-9]+", ""),
        (r"\$\$_(?:javassist|WeldClientProxy|jvst)\w*", ""),
        (r"(Generated(?:Method|Constructor|SerializationConstructor)Accessor)[0-9]+", "$1"),
        (r"\$\$Lambda(?:\$[0-9]+)?(?:/(?:0x)?[0-9a-f]+)?", "$$$$Lambda"),
        (r"(lambda\$[^$]+)\$[0-9]+", "$1"),
        (r"(\$Proxy)[0-9]+", "$1"),
        (r"(fn|eval)__[0-9]+", "$1"),
        (r"__[0-9]+_[0-9]+$", ""),
        (r"::h[0-9a-f]{16}$", ""),
        (r"(class@anonymous).*$", "$1"),
        (r"\{closure:[^}]*\}", "{closure}"),
        (r"block \([0-9]+ levels\) in ", "block in "),
        (r"(>[a-z])__[0-9]+(?:_[0-9]+)?", "$1"),
        (r"(\.func)[0-9]+", "$1"),
    ]
    .into_iter()
    .map(|(pattern, left)| (Regex::new(pattern).expect("the pattern is a constant"), left))
    .collect()
});

/// Without the numbers and hashes that compilers and frameworks put into names.
pub fn without_generated(name: &str) -> Cow<'_, str> {
    if !may_be_generated(name) {
        return Cow::Borrowed(name);
    }
    let mut name = Cow::Borrowed(name);
    for (pattern, left) in GENERATED.iter() {
        if pattern.is_match(&name) {
            name = Cow::Owned(pattern.replace_all(&name, *left).into_owned());
        }
    }
    name
}

/// A digit alone is ordinary (`urllib3`); every pattern of [`GENERATED`] needs one of these signs too.
fn may_be_generated(name: &str) -> bool {
    name.bytes().any(|byte| byte.is_ascii_digit() || byte == b'@')
        && (name.contains(['$', '@', '{', '(']) || ["__", "::h", ".func", "Accessor"].iter().any(|sign| name.contains(sign)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_suffixes_are_removed() {
        for (raw, kept) in [
            ("OrderService$$EnhancerBySpringCGLIB$$a1b2c3d4", "OrderService"),
            ("OrderService$$SpringCGLIB$$0", "OrderService"),
            ("lambda$checkout$12", "lambda$checkout"),
            ("sun.reflect.GeneratedMethodAccessor42", "sun.reflect.GeneratedMethodAccessor"),
            ("shop.Cart$$Lambda$14/0x0000000800c8", "shop.Cart$$Lambda"),
            ("shop.core$fn__1234", "shop.core$fn"),
            ("_app_views_orders_show_html_erb__42_9001", "_app_views_orders_show_html_erb"),
            ("core::ops::call_once::h0123456789abcdef", "core::ops::call_once"),
            ("block (2 levels) in checkout", "block in checkout"),
            ("main.main.func1", "main.main.func"),
            ("<Checkout>b__0_1", "<Checkout>b"),
            ("sha256_of", "sha256_of"),
        ] {
            assert_eq!(without_generated(raw), kept);
        }
    }

    #[test]
    fn javascript_names_end_at_the_last_dot() {
        for (raw, kept) in [
            ("Object.owner", "owner"),
            ("async Cart.pay [as handler]", "pay"),
            ("?", ""),
            ("Layer.<anonymous>", ""),
            ("new Order", "Order"),
        ] {
            assert_eq!(javascript(raw), kept);
        }
    }

    #[test]
    fn a_method_carries_its_class_when_that_is_its_own() {
        let frame = |repr: &str| {
            let mut frame = Frame { module: Some("shop.models".into()), ..Frame::default() };
            frame.vars.insert("self", repr.to_owned().into());
            frame
        };
        assert_eq!(python("save", &frame("<shop.models.Order object at 0x7f10>")), "Order.save");
        assert_eq!(python("save", &frame("<shop.models.make.<locals>.Order object at 0x7f10>")), "Order.save");
        assert_eq!(python("save", &frame("<billing.models.Invoice object at 0x7f10>")), "save");
        assert_eq!(python("save", &frame("<Order: Order 17>")), "save");
        assert_eq!(python("make.<locals>.save", &frame("7")), "save");
    }
}
