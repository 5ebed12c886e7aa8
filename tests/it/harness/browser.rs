//! A browser without a screen: cookies, redirects, forms. What needs a real one is driven in Chromium.

use reqwest::header::{HeaderMap, LOCATION};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, redirect};

/// Keeps its cookies, follows redirects on the same site. Clones share the cookies.
#[derive(Clone)]
pub struct Browser {
    client: Client,
    base: String,
}

/// What a request ended in.
#[derive(Debug)]
pub struct Page {
    /// Of the last answer, after redirects.
    pub status: StatusCode,
    /// Path and query of the last answer.
    pub path: String,
    /// Of the last answer.
    pub headers: HeaderMap,
    /// The text as sent.
    pub html: String,
}

impl Browser {
    /// A browser with no cookies.
    pub fn new(base: &str) -> Self {
        let client = Client::builder().cookie_store(true).redirect(redirect::Policy::limited(5)).build().expect("a client");
        Self { client, base: base.to_owned() }
    }

    /// The same browser, with its cookies, on another node of the same site.
    pub fn at(&self, base: &str) -> Self {
        Self { client: self.client.clone(), base: base.to_owned() }
    }

    /// Opens a page by path and follows redirects.
    pub async fn open(&self, path: &str) -> Page {
        self.page(self.request(Method::GET, path)).await
    }

    /// Submits a form the way a browser does on a page of the same site, and follows the redirect.
    pub async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let request = self.request(Method::POST, path);
        self.page(request.header("origin", &self.base).header("sec-fetch-site", "same-origin").form(fields)).await
    }

    /// A request to shape freely.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    async fn page(&self, request: RequestBuilder) -> Page {
        let answer = request.header("accept", "text/html").send().await.expect("the server answers");
        Page::read(answer).await
    }
}

impl Page {
    /// Reads an answer to its end.
    pub async fn read(answer: Response) -> Self {
        let (status, headers, url) = (answer.status(), answer.headers().clone(), answer.url().clone());
        let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        Self { status, path, headers, html: answer.text().await.expect("the body is text") }
    }

    /// Where it redirects to; empty where it does not.
    pub fn location(&self) -> &str {
        self.headers.get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// What a reader sees: no tags, no head, scripts or styles, entities decoded, white space collapsed.
    pub fn text(&self) -> String {
        visible_text(&self.html)
    }

    /// Whether a reader sees this text.
    pub fn shows(&self, text: &str) -> bool {
        self.text().contains(text)
    }

    /// Fails with the whole visible text where `text` is missing.
    #[track_caller]
    pub fn assert_shows(&self, text: &str) {
        assert!(self.shows(text), "“{text}” is not on {} ({}):\n{}", self.path, self.status, self.text());
    }

    /// Fails where `text` is on the page.
    #[track_caller]
    pub fn assert_hides(&self, text: &str) {
        assert!(!self.shows(text), "“{text}” is on {} ({}):\n{}", self.path, self.status, self.text());
    }

    /// The visible text of every element whose start tag carries `class="… class …"`, in order. Good enough for rows and cells
    /// whose own tag name does not nest in itself.
    pub fn texts_of(&self, class: &str) -> Vec<String> {
        elements(&self.html, |tag| attribute(tag, "class").is_some_and(|value| value.split_whitespace().any(|one| one == class)))
    }

    /// The visible text of every element of this tag name, in order.
    pub fn texts_in(&self, name: &str) -> Vec<String> {
        elements(&self.html, |tag| tag_name(tag) == name)
    }

    /// Every `href`, in order, entities decoded.
    pub fn links(&self) -> Vec<String> {
        tags(&self.html).filter(|(_, tag)| tag_name(tag) == "a").filter_map(|(_, tag)| attribute(tag, "href")).collect()
    }
}

/// Start tags with the offset just behind each.
fn tags(html: &str) -> impl Iterator<Item = (usize, &str)> {
    html.match_indices('<').filter_map(move |(at, _)| {
        let end = html[at..].find('>')? + at;
        html[at + 1..].starts_with(|c: char| c.is_ascii_alphabetic()).then(|| (end + 1, &html[at + 1..end]))
    })
}

fn tag_name(tag: &str) -> &str {
    tag.split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or_default()
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    Some(decode_entities(tag[start..].split('"').next().unwrap_or_default()))
}

fn elements(html: &str, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let found = tags(html).filter(|(_, tag)| wanted(tag));
    found.map(|(start, tag)| visible_text(&html[start..start + html[start..].find(&format!("</{}", tag_name(tag))).unwrap_or(0)])).collect()
}

/// Elements inside a line: they do not part words.
const INLINE: &[&str] = &["a", "abbr", "b", "bdi", "code", "em", "i", "kbd", "mark", "small", "span", "strong", "time", "wbr"];
/// Elements nobody reads.
const HIDDEN: &[&str] = &["head", "script", "style", "template"];

fn visible_text(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some((before, from_tag)) = rest.split_once('<') {
        text.push_str(before);
        let (tag, behind) = from_tag.split_once('>').unwrap_or((from_tag, ""));
        let name = tag_name(tag.trim_start_matches('/'));
        if !INLINE.contains(&name) {
            text.push(' ');
        }
        let end = HIDDEN.contains(&name).then(|| behind.find(&format!("</{name}>"))).flatten();
        rest = end.map_or(behind, |end| &behind[end..]);
    }
    text.push_str(rest);
    decode_entities(&text).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn decode_entities(text: &str) -> String {
    // The ampersand last, so that `&amp;lt;` stays the text `&lt;`.
    let named = [
        (&["&lt;", "&#60;"], "<"),
        (&["&gt;", "&#62;"], ">"),
        (&["&quot;", "&#34;"], "\""),
        (&["&#39;", "&#x27;"], "'"),
        (&["&nbsp;", "&#160;"], " "),
        (&["&amp;", "&#38;"], "&"),
    ];
    named.iter().fold(text.to_owned(), |text, (forms, plain)| forms.iter().fold(text, |text, form| text.replace(form, plain)))
}

#[test]
fn a_page_is_read_as_a_reader_sees_it() {
    let html = "<head><title>no</title></head><p class=\"a b\">1 &lt; <b>2</b>&amp;lt;</p>\n<script>x<y</script><p>end";
    assert_eq!(visible_text(html), "1 < 2&lt; end");
    assert_eq!(elements(html, |tag| attribute(tag, "class").as_deref() == Some("a b")), ["1 < 2&lt;"]);
}
