//! How soon a team wants to hear of a spike.

/// Scales ratios and bar of the detector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sensitivity {
    /// Only big ones: half as much again.
    Low,
    /// As measured.
    #[default]
    Normal,
    /// Earlier, with more false alarms.
    High,
}

impl Sensitivity {
    /// The order of menus.
    pub const ALL: [Self; 3] = [Self::Low, Self::Normal, Self::High];

    /// The word used in forms and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
        }
    }

    /// Reads the word.
    pub fn parse(raw: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sensitivity| sensitivity.name() == raw)
    }

    /// What ratios and bar are multiplied with.
    pub fn factor(self) -> f64 {
        match self {
            Self::Low => 1.5,
            Self::Normal => 1.0,
            Self::High => 0.8,
        }
    }
}
