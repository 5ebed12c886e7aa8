//! Where an address is, roughly.

/// A place by the names of a GeoIP database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// ISO 3166: `DE`
    pub country_code: String,
    /// The largest subdivision of the country: `Bavaria`
    pub region: Option<String>,
    /// `Munich`
    pub city: Option<String>,
}
