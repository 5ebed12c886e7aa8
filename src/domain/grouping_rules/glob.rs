//! Patterns: `*`, `?`, `[a-z]`, `{a,b}`, with a backslash before what stands for itself. In paths `*` and `?` end at a slash, `**` does not.

/// Longest pattern, in characters.
pub const PATTERN_LEN_MAX: usize = 400;
/// Most patterns that one with braces stands for.
const CHOICES_MAX: usize = 32;

/// What is compared how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// Letter by letter.
    Exact,
    /// The text is given in lower case.
    Folded,
    /// As `Folded`, and the text has forward slashes only.
    Path,
}

/// A pattern, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    source: String,
    choices: Vec<Choice>,
}

/// A pattern without braces.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Choice {
    pieces: Vec<Piece>,
    /// The longest run of characters: where it is not, nothing fits.
    needle: String,
    /// Nothing but the needle, with anything around it.
    is_contained: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    /// This character.
    Char(char),
    /// Any character.
    One,
    /// One of these ranges, or none of them.
    Class { negated: bool, ranges: Vec<(char, char)> },
    /// Any characters, or none.
    Any,
    /// Any characters but slashes, or none.
    Segment,
}

impl Glob {
    /// Takes a pattern apart; the error is a clause.
    pub fn parse(source: &str, case: Case) -> Result<Self, String> {
        if source.chars().count() > PATTERN_LEN_MAX {
            return Err(format!("the pattern is longer than {PATTERN_LEN_MAX} characters"));
        }
        let choices = expand(source)?;
        let choices = choices.iter().map(|choice| pieces(choice, case).map(Choice::of)).collect::<Result<_, _>>()?;
        Ok(Self { source: source.to_owned(), choices })
    }

    /// As it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether all of `text` fits. `fuel` is what may still be spent: a step for each character compared; without any left nothing fits.
    pub fn matches(&self, text: &str, fuel: &mut u64) -> bool {
        self.choices.iter().any(|choice| choice.fits(text, fuel))
    }
}

/// Takes braces apart: `a{b,c}` is `ab` and `ac`. Where they are not closed, or have no comma, they stand for themselves.
fn expand(source: &str) -> Result<Vec<String>, String> {
    let mut done = Vec::new();
    let mut open = vec![source.to_owned()];
    while let Some(next) = open.pop() {
        match choice(&next) {
            None => done.push(next),
            Some((before, choices, after)) => {
                for choice in choices.iter().rev() {
                    open.push(format!("{before}{choice}{after}"));
                }
            }
        }
        if done.len() + open.len() > CHOICES_MAX {
            return Err(format!("the braces stand for more than {CHOICES_MAX} patterns"));
        }
    }
    Ok(done)
}

/// The first braces with a comma in them: what is before, the choices, what is after.
fn choice(source: &str) -> Option<(&str, Vec<&str>, &str)> {
    let mut skip = false;
    for (start, c) in source.char_indices() {
        match c {
            _ if skip => skip = false,
            '\\' => skip = true,
            '{' => {
                if let Some((choices, len)) = inside(&source[start + 1..]) {
                    return Some((&source[..start], choices, &source[start + 1 + len..]));
                }
            }
            _ => {}
        }
    }
    None
}

/// The choices up to the closing brace, and the length up to behind it.
fn inside(rest: &str) -> Option<(Vec<&str>, usize)> {
    let (mut depth, mut from, mut skip) = (0, 0, false);
    let mut choices = Vec::new();
    for (at, c) in rest.char_indices() {
        match c {
            _ if skip => skip = false,
            '\\' => skip = true,
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '}' => {
                choices.push(&rest[from..at]);
                return (choices.len() > 1).then_some((choices, at + 1));
            }
            ',' if depth == 0 => {
                choices.push(&rest[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    None
}

fn pieces(choice: &str, case: Case) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut rest = choice.chars().peekable();
    while let Some(c) = rest.next() {
        let piece = match c {
            '*' if rest.peek() == Some(&'*') => {
                while rest.peek() == Some(&'*') {
                    rest.next();
                }
                Piece::Any
            }
            '*' if case == Case::Path => Piece::Segment,
            '*' => Piece::Any,
            '?' if case == Case::Path => Piece::Class { negated: true, ranges: vec![('/', '/')] },
            '?' => Piece::One,
            '[' => class(&mut rest, case)?,
            '\\' => escaped(&mut rest, case),
            c => Piece::Char(c),
        };
        match (pieces.last(), &piece) {
            (Some(Piece::Any), Piece::Any | Piece::Segment) => {}
            (_, Piece::Char(c)) if case != Case::Exact => pieces.extend(c.to_lowercase().map(Piece::Char)),
            _ => pieces.push(piece),
        }
    }
    Ok(pieces)
}

/// In paths a backslash is a slash unless it stands before a bracket or brace.
fn escaped(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, case: Case) -> Piece {
    let next = rest.peek().copied();
    if case == Case::Path && !next.is_some_and(|c| "[]{}\\".contains(c)) {
        return Piece::Char('/');
    }
    rest.next();
    match next {
        Some('\\') if case == Case::Path => Piece::Char('/'),
        Some('n') => Piece::Char('\n'),
        Some('t') => Piece::Char('\t'),
        Some('r') => Piece::Char('\r'),
        Some(c) => Piece::Char(c),
        None => Piece::Char('\\'),
    }
}

fn class(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, case: Case) -> Result<Piece, String> {
    let negated = rest.next_if(|c| matches!(c, '!' | '^')).is_some();
    let mut ranges: Vec<(char, char)> = Vec::new();
    let fold = |c: char| if case == Case::Exact { c } else { c.to_lowercase().next().unwrap_or(c) };
    while let Some(c) = rest.next() {
        match c {
            ']' if !ranges.is_empty() => return Ok(Piece::Class { negated, ranges }),
            '\\' => ranges.extend(rest.next().map(|c| (fold(c), fold(c)))),
            '-' if !ranges.is_empty() && rest.peek().is_some_and(|next| *next != ']') => {
                let end = fold(rest.next().unwrap_or(c));
                let last = ranges.len() - 1;
                if end < ranges[last].0 {
                    return Err(format!("the range {}-{end} goes backwards", ranges[last].0));
                }
                ranges[last].1 = end;
            }
            c => ranges.push((fold(c), fold(c))),
        }
    }
    Err("the bracket [ is not closed; a bracket that stands for itself is written \\[".into())
}

impl Choice {
    fn of(pieces: Vec<Piece>) -> Self {
        let (mut needle, mut run) = (String::new(), String::new());
        for piece in &pieces {
            match piece {
                Piece::Char(c) => run.push(*c),
                _ => run.clear(),
            }
            if run.len() > needle.len() {
                needle.clone_from(&run);
            }
        }
        let is_contained = matches!(pieces.as_slice(), [Piece::Any, inside @ .., Piece::Any] if inside.iter().all(|piece| matches!(piece, Piece::Char(_))));
        Self { pieces, needle, is_contained }
    }

    fn fits(&self, text: &str, fuel: &mut u64) -> bool {
        *fuel = fuel.saturating_sub(1);
        *fuel > 0 && text.contains(&self.needle) && (self.is_contained || fits(&self.pieces, text, fuel))
    }
}

/// Walks along the text with the set of places of the pattern that may be reached.
fn fits(pieces: &[Piece], text: &str, fuel: &mut u64) -> bool {
    if let Some(sure) = quickly(pieces, text) {
        return sure;
    }
    let mut reached = vec![false; pieces.len() + 1];
    let mut next = reached.clone();
    enter(&mut reached, pieces, 0);
    for c in text.chars() {
        *fuel = fuel.saturating_sub(pieces.len() as u64 + 1);
        if *fuel == 0 {
            return false;
        }
        next.fill(false);
        let mut alive = false;
        for (at, piece) in pieces.iter().enumerate().filter(|(at, _)| reached[*at]) {
            match piece {
                Piece::Any => enter(&mut next, pieces, at),
                Piece::Segment if c != '/' => enter(&mut next, pieces, at),
                Piece::Segment => continue,
                piece if piece.takes(c) => enter(&mut next, pieces, at + 1),
                _ => continue,
            }
            alive = true;
        }
        if !alive {
            return false;
        }
        std::mem::swap(&mut reached, &mut next);
    }
    reached[pieces.len()]
}

/// What needs no walk: patterns without signs, and texts that do not even begin or end right.
fn quickly(pieces: &[Piece], text: &str) -> Option<bool> {
    let mut chars = text.chars();
    for (place, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Any if place + 1 == pieces.len() => return Some(true),
            Piece::Any | Piece::Segment => return ends_wrong(pieces, text).then_some(false),
            piece => match chars.next() {
                Some(c) if piece.takes(c) => {}
                _ => return Some(false),
            },
        }
    }
    Some(chars.next().is_none())
}

fn ends_wrong(pieces: &[Piece], text: &str) -> bool {
    let fixed = pieces.iter().rev().take_while(|piece| !matches!(piece, Piece::Any | Piece::Segment));
    let mut chars = text.chars().rev();
    !fixed.into_iter().all(|piece| chars.next().is_some_and(|c| piece.takes(c)))
}

/// Marks a place, and those behind signs that may stand for nothing.
fn enter(reached: &mut [bool], pieces: &[Piece], mut at: usize) {
    loop {
        reached[at] = true;
        match pieces.get(at) {
            Some(Piece::Any | Piece::Segment) => at += 1,
            _ => return,
        }
    }
}

impl Piece {
    fn takes(&self, c: char) -> bool {
        match self {
            Self::Char(own) => *own == c,
            Self::One => true,
            Self::Class { negated, ranges } => ranges.iter().any(|(from, to)| (*from..=*to).contains(&c)) != *negated,
            Self::Any | Self::Segment => false,
        }
    }
}
