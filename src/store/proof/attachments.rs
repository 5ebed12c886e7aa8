//! Files and their bytes.

use super::{Pair, stream_pairs};
use crate::domain::ids::ProjectId;
use crate::store::Tx;

/// Every file has as many pieces as its row says, numbered from 0, and no piece is of a file that has no row. Reads no content.
pub async fn chunks(tx: &mut Tx, project: ProjectId, each: &mut impl FnMut(Pair)) -> sqlx::Result<()> {
    stream_pairs!(
        tx,
        each,
        r#"
        SELECT 'attachments.chunk_count' AS "counter!", format('%s of event %s', coalesce(a.attachment_id, c.attachment_id), a.event_id) AS "row!",
            coalesce(a.chunk_count, 0)::int8 AS "counted!", coalesce(c.n, 0) AS "found!"
        FROM (SELECT event_id, attachment_id, chunk_count FROM attachments WHERE project_id = $1) AS a
        FULL JOIN (
            SELECT attachment_id, CASE WHEN max(number) + 1 = count(*) THEN count(*) ELSE -1 END AS n
            FROM attachment_chunks WHERE project_id = $1 GROUP BY 1
        ) AS c ON c.attachment_id = a.attachment_id
        "#,
        project.0
    )
}
