//! People and projects of a test.

use reqwest::StatusCode;
use sha2::{Digest, Sha256};

use super::{Browser, Project, TestApp};

/// The owner's address.
pub const OWNER_EMAIL: &str = "owner@shop.example";
/// The owner's password, and everybody's.
pub const OWNER_PASSWORD: &str = "correct horse battery staple";

/// Somebody who can sign in with [`OWNER_PASSWORD`].
#[derive(Clone, Debug)]
pub struct Person {
    /// In the database.
    pub id: i64,
    /// Lower case.
    pub email: String,
}

impl TestApp {
    /// The owner, created on first use.
    pub async fn owner(&self) -> Person {
        self.person(OWNER_EMAIL, "owner").await
    }

    /// Somebody with this role, created on first use.
    pub async fn person(&self, email: &str, role: &str) -> Person {
        let id: i64 = sqlx::query_scalar(
            "INSERT INTO users (email, name, role, password_hash, created_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (email) DO UPDATE SET name = users.name RETURNING id",
        )
        .bind(email)
        .bind(email.split('@').next())
        .bind(role)
        .bind(password_hash())
        .bind(self.now())
        .fetch_one(&self.db)
        .await
        .expect("the person is stored");
        Person { id, email: email.to_owned() }
    }

    /// A browser in which the owner is signed in.
    pub async fn sign_in_owner(&self) -> Browser {
        let owner = self.owner().await;
        self.sign_in(&owner).await
    }

    /// A browser in which this person is signed in, through the login page.
    pub async fn sign_in(&self, person: &Person) -> Browser {
        let browser = self.browser();
        let page = browser.submit("/login", &[("email", &person.email), ("password", OWNER_PASSWORD)]).await;
        assert!(
            page.status == StatusCode::OK && !page.path.starts_with("/login"),
            "signing in ended on {} {}:\n{}",
            page.status,
            page.path,
            page.text()
        );
        browser
    }

    /// A project with a key, the owner as its member, and the three rules of a new project.
    pub async fn project(&self, slug: &str) -> Project {
        let owner = self.owner().await;
        let key = hex(&Sha256::digest(slug)[..16]);
        let prefix = slug.split('-').next().unwrap_or(slug).to_uppercase();
        let id: i64 = sqlx::query_scalar(
            "WITH p AS (
                 INSERT INTO projects (slug, name, platform, short_prefix, created_at) VALUES ($1, $1, 'django', $2, $3) RETURNING id
             ), k AS (
                 INSERT INTO project_keys (project_id, public_key, created_at) SELECT id, $4, $3 FROM p
             ), m AS (
                 INSERT INTO project_members (project_id, user_id, created_at) SELECT id, $5, $3 FROM p
             ), r AS (
                 INSERT INTO alert_rules (project_id, kind, name, updated_at)
                 SELECT id, rule.kind, rule.name, $3
                 FROM p, (VALUES ('new', 'New issues'), ('regressed', 'Regressions'), ('spiking', 'Spikes')) rule (kind, name)
             )
             SELECT id FROM p",
        )
        .bind(slug)
        .bind(prefix)
        .bind(self.now())
        .bind(&key)
        .bind(owner.id)
        .fetch_one(&self.db)
        .await
        .expect("the project is stored");
        let dsn = bugle::domain::project::dsn(self.url(), &key, id);
        Project { id, slug: slug.to_owned(), key, dsn }
    }

    /// Makes somebody a member of a project.
    pub async fn join(&self, project: &Project, person: &Person) {
        sqlx::query("INSERT INTO project_members (project_id, user_id, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
            .bind(project.id)
            .bind(person.id)
            .bind(self.now())
            .execute(&self.db)
            .await
            .expect("the membership is stored");
    }

    /// A bearer token of this person; only its hash is in the database.
    pub async fn token(&self, person: &Person, scopes: &[&str]) -> String {
        let token = format!("bugle_{}", uuid::Uuid::new_v4().simple());
        sqlx::query("INSERT INTO api_tokens (user_id, name, token_hash, scopes, created_at) VALUES ($1, 'test', $2, $3, $4)")
            .bind(person.id)
            .bind(&Sha256::digest(&token)[..])
            .bind(scopes.iter().map(|scope| (*scope).to_owned()).collect::<Vec<_>>())
            .bind(self.now())
            .execute(&self.db)
            .await
            .expect("the token is stored");
        token
    }
}

/// Hashed once per process: argon2 is slow on purpose.
fn password_hash() -> &'static str {
    use argon2::{Argon2, PasswordHasher};
    static HASH: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    HASH.get_or_init(|| Argon2::default().hash_password(OWNER_PASSWORD.as_bytes()).expect("argon2 hashes").to_string())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
