//! Rows in the binary format of COPY, for tables to which a batch adds rows that are certainly new: a fraction of the work of an INSERT from
//! arrays with ON CONFLICT, which puts the rows together, takes them apart and writes a record for each of them.

use time::OffsetDateTime;

use super::Tx;

/// Signature, no flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const END: [u8; 2] = (-1i16).to_be_bytes();
/// Rows are sent in pieces of about this size, so that a batch is not in memory once more as a whole.
const CHUNK_BYTES: usize = 256 << 10;
/// Postgres counts from here.
const EPOCH: OffsetDateTime = time::macros::datetime!(2000-01-01 00:00 UTC);

/// Writes all rows. `statement` is `COPY table (columns…) FROM STDIN (FORMAT binary)`, `write` writes as many fields of each as it names.
pub async fn rows<R>(
    tx: &mut Tx,
    statement: &'static str,
    rows: impl IntoIterator<Item = R>,
    column_count: i16,
    mut write: impl FnMut(&mut Fields, R),
) -> sqlx::Result<()> {
    let mut rows = rows.into_iter().peekable();
    if rows.peek().is_none() {
        return Ok(());
    }
    let mut copy = tx.copy_in_raw(statement).await?;
    let mut fields = Fields(HEADER.to_vec());
    for row in rows {
        fields.0.extend(column_count.to_be_bytes());
        write(&mut fields, row);
        if fields.0.len() >= CHUNK_BYTES {
            copy.send(fields.0.as_slice()).await?;
            fields.0.clear();
        }
    }
    fields.0.extend(END);
    copy.send(fields.0).await?;
    copy.finish().await?;
    Ok(())
}

/// The fields of a row: each with its length, -1 for null, numbers in network order.
pub struct Fields(Vec<u8>);

impl Fields {
    /// `bytea`, `uuid`, `text` and what is said of others below.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        let len = i32::try_from(bytes.len()).expect("events are limited to far less than 2 GiB");
        self.0.extend(len.to_be_bytes());
        self.0.extend_from_slice(bytes);
        self
    }

    /// `bigint`.
    pub fn int8(&mut self, number: i64) -> &mut Self {
        self.bytes(&number.to_be_bytes())
    }

    /// `integer`.
    pub fn int4(&mut self, number: i32) -> &mut Self {
        self.bytes(&number.to_be_bytes())
    }

    /// `smallint`.
    pub fn int2(&mut self, number: i16) -> &mut Self {
        self.bytes(&number.to_be_bytes())
    }

    /// `text`.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    /// `text` that may be null.
    pub fn maybe_text(&mut self, text: Option<&str>) -> &mut Self {
        match text {
            Some(text) => self.text(text),
            None => self.null(),
        }
    }

    /// `boolean`.
    pub fn bool(&mut self, value: bool) -> &mut Self {
        self.bytes(&[u8::from(value)])
    }

    /// `boolean` that may be null.
    pub fn maybe_bool(&mut self, value: Option<bool>) -> &mut Self {
        match value {
            Some(value) => self.bool(value),
            None => self.null(),
        }
    }

    /// `timestamptz`, to the microsecond.
    pub fn time(&mut self, time: OffsetDateTime) -> &mut Self {
        self.int8(i64::try_from((time - EPOCH).whole_microseconds()).unwrap_or(i64::MAX))
    }

    fn null(&mut self) -> &mut Self {
        self.0.extend((-1i32).to_be_bytes());
        self
    }
}
