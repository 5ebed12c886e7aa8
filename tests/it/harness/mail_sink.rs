//! A mail server on a socket: takes everything, keeps it, and can be told to refuse or to be away.

use std::sync::{Arc, Mutex, MutexGuard};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::message::Mail;

/// Receives mail for one test.
pub struct MailSink {
    address: std::net::SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    mails: Vec<Mail>,
    mood: Mood,
    login: Option<Login>,
}

/// Whom the server lets in, and how.
#[derive(Clone)]
pub struct Login {
    /// `PLAIN` or `LOGIN`.
    pub mechanism: &'static str,
    /// User name and password.
    pub credentials: (&'static str, &'static str),
}

/// How the server answers.
#[derive(Clone, Copy, Default, PartialEq)]
pub enum Mood {
    /// Takes everything.
    #[default]
    Open,
    /// Greets with 421 and hangs up, as a server does that is overloaded: try again later.
    Busy,
    /// 550 to every recipient: do not try again.
    RefusesRecipients,
    /// 450 to every recipient: try again later.
    Greylists,
    /// Takes the message and hangs up before saying so: the sender cannot know.
    HangsUpAfterData,
}

impl MailSink {
    pub(super) async fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let state = Arc::<Mutex<State>>::default();
        let shared = state.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = shared.clone();
                // A client that hangs up half-way ends its own conversation only.
                tokio::spawn(async move { converse(stream, &state).await.ok() });
            }
        });
        Self { address, state }
    }

    /// For `BUGLE_SMTP_URL`.
    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// The same with a user name and password.
    pub fn url_as(&self, user: &str, password: &str) -> String {
        format!("smtp://{user}:{password}@{}", self.address)
    }

    /// Takes no mail without this login from the next connection on.
    pub fn ask_for(&self, login: Login) {
        lock(&self.state).login = Some(login);
    }

    /// Changes how it answers from the next connection or command on.
    pub fn set_mood(&self, mood: Mood) {
        lock(&self.state).mood = mood;
    }

    pub(super) fn mails(&self) -> Vec<Mail> {
        lock(&self.state).mails.clone()
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().expect("no holder panics")
}

async fn converse(stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    if lock(state).mood == Mood::Busy {
        return say(&mut stream, "421 busy, try again later").await;
    }
    say(&mut stream, "220 sink ESMTP").await?;
    let login = lock(state).login.clone();
    let mut is_in = login.is_none();
    let (mut from, mut to) = (String::new(), Vec::new());
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let command = line.trim_end().to_owned();
        match command.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase().as_str() {
            "EHLO" => {
                let auth = login.as_ref().map(|login| format!("250-AUTH {}\r\n", login.mechanism)).unwrap_or_default();
                say(&mut stream, &format!("250-sink\r\n250-8BITMIME\r\n{auth}250 SMTPUTF8")).await?;
            }
            "AUTH" => {
                is_in = authenticate(&mut stream, &command, login.as_ref()).await?;
                // Like servers that help too much: the refusal repeats what was sent.
                let answer = if is_in { "235 welcome".to_owned() } else { format!("535 wrong: {command}") };
                say(&mut stream, &answer).await?;
            }
            "MAIL" if !is_in => say(&mut stream, "530 sign in first").await?,
            "HELO" | "NOOP" => say(&mut stream, "250 sink").await?,
            "RSET" => {
                (from, to) = Default::default();
                say(&mut stream, "250 forgotten").await?;
            }
            "MAIL" => {
                (from, to) = (address(&command), Vec::new());
                say(&mut stream, "250 go on").await?;
            }
            "RCPT" if lock(state).mood == Mood::RefusesRecipients => say(&mut stream, "550 no such mailbox").await?,
            "RCPT" if lock(state).mood == Mood::Greylists => say(&mut stream, "450 come again in a minute").await?,
            "RCPT" => {
                to.push(address(&command));
                say(&mut stream, "250 go on").await?;
            }
            "DATA" => {
                say(&mut stream, "354 end with a dot").await?;
                let data = read_data(&mut stream).await?;
                let mood = {
                    let mut state = lock(state);
                    state.mails.push(Mail::parse(&from, &to, &data));
                    state.mood
                };
                if mood == Mood::HangsUpAfterData {
                    return Ok(());
                }
                say(&mut stream, "250 kept").await?;
            }
            "QUIT" => return say(&mut stream, "221 bye").await,
            _ => say(&mut stream, "502 not here").await?,
        }
    }
}

/// Both mechanisms end in a user name and a password.
async fn authenticate(stream: &mut BufReader<TcpStream>, command: &str, login: Option<&Login>) -> std::io::Result<bool> {
    let Some(login) = login else { return Ok(false) };
    let decode = |text: &str| String::from_utf8(STANDARD.decode(text.trim()).unwrap_or_default()).unwrap_or_default();
    let words: Vec<&str> = command.split_whitespace().collect();
    let said = match words[..] {
        [_, "PLAIN", initial] => decode(initial).split('\0').skip(1).map(str::to_owned).collect::<Vec<_>>(),
        [_, "LOGIN"] => {
            let mut said = Vec::new();
            for question in ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"] {
                say(stream, question).await?;
                let mut line = String::new();
                stream.read_line(&mut line).await?;
                said.push(decode(&line));
            }
            said
        }
        _ => return Ok(false),
    };
    Ok(words[1] == login.mechanism && said == [login.credentials.0, login.credentials.1])
}

async fn say(stream: &mut BufReader<TcpStream>, line: &str) -> std::io::Result<()> {
    stream.write_all(format!("{line}\r\n").as_bytes()).await?;
    stream.flush().await
}

/// Up to the line with a single dot; a dot that was doubled for the way is single again.
async fn read_data(stream: &mut BufReader<TcpStream>) -> std::io::Result<Vec<u8>> {
    let mut data = Vec::new();
    loop {
        let start = data.len();
        if stream.read_until(b'\n', &mut data).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if data[start..] == *b".\r\n" {
            data.truncate(start);
            return Ok(data);
        }
        if data[start] == b'.' {
            data.remove(start);
        }
    }
}

/// What stands between the angle brackets.
fn address(command: &str) -> String {
    command.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or_else(String::new, |(address, _)| address.to_owned())
}
