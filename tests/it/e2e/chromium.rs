//! A real Chromium, driven through its own driver.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::json;

use crate::harness::{OWNER_EMAIL, OWNER_PASSWORD, TestApp};

/// What keeps a headless Chromium quiet and offline, as root too.
const FLAGS: [&str; 10] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
];

/// How long a page may take to change by itself. Generous: it only decides when a failing test gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// A browser window with its own profile.
pub struct Chromium {
    client: Client,
    _driver: Driver,
    _profile: tempfile::TempDir,
}

impl Chromium {
    /// A window of 1440 x 900 in the theme given; without `scripts`, pages may not run JavaScript.
    pub async fn open(scripts: bool, dark: bool) -> Self {
        Self::open_with(scripts, dark, &[]).await
    }

    /// A window that believes any certificate, and tells what pages report at once and not within a minute.
    pub async fn open_trusting() -> Self {
        Self::open_with(true, false, &["--ignore-certificate-errors", "--short-reporting-delay"]).await
    }

    async fn open_with(scripts: bool, dark: bool, flags: &[&str]) -> Self {
        let driver = Driver::start();
        let profile = tempfile::tempdir().expect("the temporary folder is writable");
        let mut args: Vec<String> = FLAGS.map(str::to_owned).to_vec();
        args.extend(flags.iter().map(|flag| (*flag).to_owned()));
        args.push(format!("--user-data-dir={}", profile.path().display()));
        args.push("--window-size=1440,900".into());
        // A desk has a mouse, even where no screen is: without one, hints that are for keyboards hide.
        let mouse = "primaryHoverType=2,availableHoverTypes=2,primaryPointerType=4,availablePointerTypes=4";
        args.push(format!("--blink-settings={mouse},preferredColorScheme={}", if dark { 0 } else { 1 }));
        let scripts_allowed = if scripts { 1 } else { 2 };
        let options = json!({ "args": args, "prefs": { "profile.managed_default_content_settings.javascript": scripts_allowed } });
        let mut wanted = serde_json::Map::new();
        wanted.insert("goog:chromeOptions".into(), options);
        let connector = hyper_util::client::legacy::connect::HttpConnector::new();
        let client = ClientBuilder::new(connector)
            .capabilities(wanted)
            .connect(&format!("http://127.0.0.1:{}", driver.port))
            .await
            .expect("chromedriver starts Chromium");
        Self { client, _driver: driver, _profile: profile }
    }

    /// Signs the owner in by the form.
    pub async fn sign_in(&self, app: &TestApp) {
        self.goto(&format!("{}/login", app.url())).await;
        self.fill("[name=email]", OWNER_EMAIL).await;
        self.fill("[name=password]", OWNER_PASSWORD).await;
        self.click("main form .btn.go").await;
        self.until_shows("header.top").await;
    }

    /// Opens an address and waits until the page is loaded.
    pub async fn goto(&self, url: &str) {
        self.client.goto(url).await.expect("the page opens");
    }

    /// The address shown now, without host.
    pub async fn path(&self) -> String {
        self.client.current_url().await.expect("a page is open").path().to_owned()
    }

    /// Everything a reader sees in `main`.
    pub async fn text(&self) -> String {
        self.find("main").await.text().await.expect("main has a text")
    }

    /// Types into a field, replacing what is there.
    pub async fn fill(&self, css: &str, text: &str) {
        let field = self.find(css).await;
        field.clear().await.expect("a field can be cleared");
        field.send_keys(text).await.expect("a field takes keys");
    }

    /// Clicks the first match.
    pub async fn click(&self, css: &str) {
        self.find(css).await.click().await.unwrap_or_else(|error| panic!("clicking {css}: {error}"));
    }

    /// How many elements match.
    pub async fn count(&self, css: &str) -> usize {
        self.client.find_all(Locator::Css(css)).await.expect("a page is open").len()
    }

    /// One of the facts at the top of an issue, by its label.
    pub async fn fact(&self, label: &str) -> String {
        let value = format!("//dl[contains(@class, 'facts')]//dt[normalize-space()='{label}']/following-sibling::dd[1]");
        let found = self.client.find(Locator::XPath(&value)).await.unwrap_or_else(|error| panic!("no fact “{label}”: {error}"));
        found.text().await.expect("a fact has a text")
    }

    /// Returns once a click has led to this address.
    pub async fn until_at(&self, url: &str) {
        let wait = self.client.wait().at_most(PATIENCE);
        let url = url.parse().expect("an address");
        if let Err(error) = wait.for_url(&url).await {
            panic!("still on {} instead of {url}: {error}", self.path().await);
        }
    }

    /// Returns once something matches, as on a page that changes by itself.
    pub async fn until_shows(&self, css: &str) {
        let wait = self.client.wait().at_most(PATIENCE);
        wait.for_element(Locator::Css(css)).await.unwrap_or_else(|error| panic!("{css} never showed: {error}"));
    }

    /// Whether anything matches.
    pub async fn shows(&self, css: &str) -> bool {
        self.client.find(Locator::Css(css)).await.is_ok()
    }

    /// An attribute of the first match.
    pub async fn attr(&self, css: &str, name: &str) -> String {
        self.find(css).await.attr(name).await.expect("the element is still there").unwrap_or_default()
    }

    /// Runs a script in the page, whatever its content policy; answers what it returns.
    pub async fn run(&self, script: &str, args: Vec<serde_json::Value>) -> serde_json::Value {
        self.client.execute(script, args).await.expect("the script runs")
    }

    /// The same for a script that calls its last argument with the answer.
    pub async fn run_async(&self, script: &str, args: Vec<serde_json::Value>) -> serde_json::Value {
        self.client.execute_async(script, args).await.expect("the script runs")
    }

    /// Keeps the picture of the window under `screenshots/`, which git ignores.
    pub async fn shoot(&self, name: &str) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("screenshots");
        std::fs::create_dir_all(&folder).expect("the checkout is writable");
        let png = self.client.screenshot().await.expect("a window can be photographed");
        std::fs::write(folder.join(format!("{name}.png")), png).expect("the checkout is writable");
    }

    /// Makes the window as high as the page in it, within reason, and keeps its picture.
    pub async fn shoot_whole(&self, name: &str, width: u32) {
        let height = self.run("return Math.min(document.documentElement.scrollHeight, 6000)", vec![]).await;
        self.show(width, height.as_u64().and_then(|height| u32::try_from(height).ok()).expect("a page has a height")).await;
        self.shoot(name).await;
    }

    /// Gives the page this much room: the window is larger by its frame.
    pub async fn show(&self, width: u32, height: u32) {
        let frame = self.run("return window.outerHeight - window.innerHeight", vec![]).await;
        self.resize(width, height + frame.as_u64().and_then(|frame| u32::try_from(frame).ok()).unwrap_or(0)).await;
    }

    /// Presses keys where the focus is, one after the other.
    pub async fn press(&self, keys: &str) {
        self.until_loaded().await;
        let focused = self.client.active_element().await.expect("a page has a focused element, if only its body");
        focused.send_keys(keys).await.expect("an element takes keys");
    }

    /// Returns once the scripts of the page have run: after a click, `until_shows` may see a page that is still arriving.
    async fn until_loaded(&self) {
        let script = "const done = arguments[0]; document.readyState === 'complete' ? done() : addEventListener('load', () => done())";
        self.run_async(script, vec![]).await;
    }

    /// Changes the size of the window.
    pub async fn resize(&self, width: u32, height: u32) {
        self.client.set_window_size(width, height).await.expect("a window can be resized");
    }

    /// Closes the window. (A test that fails leaves that to the end of its driver.)
    pub async fn close(self) {
        self.client.close().await.expect("a window can be closed");
    }

    async fn find(&self, css: &str) -> fantoccini::elements::Element {
        match self.client.find(Locator::Css(css)).await {
            Ok(element) => element,
            Err(error) => panic!("{css} is not on {}: {error}", self.path().await),
        }
    }
}

/// `chromedriver` and, through it, every Chromium it started. Ends with the test, failed or not.
struct Driver {
    process: Child,
    port: u16,
}

impl Driver {
    fn start() -> Self {
        let process = Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut driver = Self { process: process.expect("`make test` installs chromium and chromium-driver"), port: 0 };
        driver.port = announced_port(&mut driver.process);
        driver
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // SIGTERM, not SIGKILL: the driver then ends its browsers.
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
    }
}

/// chromedriver says on which port it listens once it does.
fn announced_port(driver: &mut Child) -> u16 {
    let stdout = driver.stdout.take().expect("stdout is piped");
    let mut lines = BufReader::new(stdout).lines();
    let port = lines
        .by_ref()
        .map_while(Result::ok)
        .find_map(|line| line.split("successfully on port ").nth(1)?.trim_end_matches('.').parse().ok())
        .expect("chromedriver announces its port");
    std::thread::spawn(move || lines.for_each(drop));
    port
}
