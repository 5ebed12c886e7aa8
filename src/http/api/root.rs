//! `GET /api/0/`: the version, and whose token this is.

use axum::Json;
use serde_json::{Value, json};

use super::auth::MaybeCaller;

/// Without credentials the answer names nobody; wrong ones are refused.
pub async fn show(MaybeCaller(caller): MaybeCaller) -> Json<Value> {
    let auth = caller.as_ref().map(|caller| json!({ "scopes": caller.scopes() }));
    let user = caller.as_ref().map(|caller| {
        let user = caller.user();
        json!({ "id": user.id.to_string(), "email": user.email, "username": user.email, "name": user.name, "isActive": true })
    });
    Json(json!({ "version": "0", "auth": auth, "user": user }))
}
