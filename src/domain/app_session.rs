//! Sessions of applications: a run of a program, a visit, a request. What became of it, from good to worst.

/// What became of a session. It only ever gets worse, so updates may come in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Under way, or ended well.
    #[default]
    Healthy,
    /// Errors happened, and were handled.
    Errored,
    /// An error that nothing handled, and the program went on: browsers.
    Unhandled,
    /// Ended without saying so: hung, or lost its power.
    Abnormal,
    /// The program ended by it.
    Crashed,
}

impl State {
    const ALL: [Self; 5] = [Self::Healthy, Self::Errored, Self::Unhandled, Self::Abnormal, Self::Crashed];

    /// Of a status and the number of errors. A status nobody knows says nothing, so the errors do.
    pub fn of(status: &str, has_errors: bool) -> Self {
        match status {
            "crashed" => Self::Crashed,
            "abnormal" => Self::Abnormal,
            "unhandled" => Self::Unhandled,
            "errored" => Self::Errored,
            _ if has_errors => Self::Errored,
            _ => Self::Healthy,
        }
    }

    /// As stored.
    pub fn number(self) -> i16 {
        self as i16
    }

    /// Reads a stored one.
    pub fn from_number(number: i16) -> Self {
        usize::try_from(number).ok().and_then(|place| Self::ALL.get(place)).copied().unwrap_or_default()
    }
}

/// Numbers of sessions; each of the last four is a part of the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All.
    pub total: i64,
    /// See [`State`].
    pub errored: i64,
    /// See [`State`].
    pub unhandled: i64,
    /// See [`State`].
    pub abnormal: i64,
    /// See [`State`].
    pub crashed: i64,
}

impl Counts {
    /// `count` more (or less) of this state, the total left as it is.
    pub fn shift(&mut self, state: State, count: i64) {
        match state {
            State::Healthy => {}
            State::Errored => self.errored += count,
            State::Unhandled => self.unhandled += count,
            State::Abnormal => self.abnormal += count,
            State::Crashed => self.crashed += count,
        }
    }

    /// Both together.
    pub fn join(&mut self, other: &Self) {
        self.total += other.total;
        self.errored += other.errored;
        self.unhandled += other.unhandled;
        self.abnormal += other.abnormal;
        self.crashed += other.crashed;
    }

    /// Those that went well.
    pub fn healthy(&self) -> i64 {
        self.total - self.errored - self.unhandled - self.abnormal - self.crashed
    }

    /// The share that did not crash, from 0 to 1. `None` without sessions.
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    pub fn crash_free(&self) -> Option<f64> {
        (self.total > 0).then(|| 1.0 - self.crashed as f64 / self.total as f64)
    }
}
