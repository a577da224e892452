//! Who asks, and what their roles let them do.
//! Not here: how that was found out, and whose an aggregate is.

use std::sync::Arc;

use kit::excerpt;

use super::role::{Role, Roles};
use crate::problem::Fault;

/// Who a request comes from. Cheap to clone; an extension of every request that is not open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal(Arc<Known>);

#[derive(Debug, PartialEq, Eq)]
struct Known {
    user: String,
    roles: Vec<(Box<str>, Arc<Role>)>,
}

impl Principal {
    /// The user `user` with those of the roles `names` that there are.
    #[must_use]
    pub fn new<'a>(user: &str, names: impl IntoIterator<Item = &'a str>, roles: &Roles) -> Self {
        let known = |name: &'a str| Some((name.into(), Arc::clone(roles.get(name)?)));
        let roles = names.into_iter().filter_map(known).collect();
        Self(Arc::new(Known { user: user.to_owned(), roles }))
    }

    /// The name that goes into the header `User-Id` of every command: `key:<id>` of an API key, or
    /// the subject of a token.
    #[must_use]
    pub fn user_id(&self) -> &str {
        &self.0.user
    }

    /// Whether it has the role `name`.
    #[must_use]
    pub fn has_role(&self, name: &str) -> bool {
        self.0.roles.iter().any(|(role, _)| &**role == name)
    }

    /// Whether it may send this command.
    #[must_use]
    pub fn may_command(&self, aggregate: &str, id: &str, name: &str) -> bool {
        self.granting(|role| role.allows_command([aggregate, id, name])).next().is_some()
    }

    /// Whether it may ask this query.
    #[must_use]
    pub fn may_query(&self, projection: &str, name: &str) -> bool {
        self.granting(|role| role.allows_query([projection, name])).next().is_some()
    }

    /// Whether it may read the events and the state of an aggregate; of all, where none is named.
    #[must_use]
    pub fn may_read(&self, aggregate: Option<&str>, id: Option<&str>) -> bool {
        self.granting(|role| role.allows_history([aggregate, id])).next().is_some()
    }

    /// [`Self::may_command`] as an answer.
    ///
    /// # Errors
    /// `forbidden`, naming the grant that is missing.
    pub fn check_command(&self, aggregate: &str, id: &str, name: &str) -> Result<(), Fault> {
        let [first, second, third] = [aggregate, id, name].map(excerpt);
        let missing = || format!("the command {first}.{second}.{third}");
        self.granted(self.may_command(aggregate, id, name), missing)
    }

    /// [`Self::may_query`] as an answer.
    ///
    /// # Errors
    /// `forbidden`, naming the grant that is missing.
    pub fn check_query(&self, projection: &str, name: &str) -> Result<(), Fault> {
        let [first, second] = [projection, name].map(excerpt);
        self.granted(self.may_query(projection, name), || format!("the query {first}.{second}"))
    }

    /// [`Self::may_read`] as an answer.
    ///
    /// # Errors
    /// `forbidden`, naming the grant that is missing.
    pub fn check_read(&self, aggregate: Option<&str>, id: Option<&str>) -> Result<(), Fault> {
        let [first, second] = [aggregate, id].map(|token| excerpt(token.unwrap_or("*")));
        let missing = || format!("the history {first}.{second}");
        self.granted(self.may_read(aggregate, id), missing)
    }

    /// [`Self::has_role`] as an answer.
    ///
    /// # Errors
    /// `forbidden`, naming the role that is missing.
    pub fn check_role(&self, name: &str) -> Result<(), Fault> {
        self.granted(self.has_role(name), || format!("the role {name}"))
    }

    /// The roles for which `allows` holds.
    pub(super) fn granting(&self, allows: impl Fn(&Role) -> bool) -> impl Iterator<Item = &Role> {
        self.0.roles.iter().map(|(_, role)| &**role).filter(move |role| allows(role))
    }

    fn granted(&self, is: bool, missing: impl FnOnce() -> String) -> Result<(), Fault> {
        if is {
            return Ok(());
        }
        let roles: Vec<_> = self.0.roles.iter().map(|(name, _)| &**name).collect();
        let has = if roles.is_empty() { "none".to_owned() } else { roles.join(", ") };
        let missing = missing();
        Err(Fault::forbidden(format!("{missing} is not granted; the roles here: {has}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles() -> Roles {
        let roles = serde_json::json!({
            "payments": {"commands": ["design.*.record-payment"]},
            "shop": {
                "commands": ["design.*.create-request"],
                "queries": ["products.*"],
                "histories": ["design.mine"],
            },
            "all": {"commands": ["*.*.*"], "queries": ["*.*"], "histories": ["*.*"]},
            "nothing": {},
        });
        serde_json::from_value(roles).unwrap()
    }

    fn with(names: &[&str]) -> Principal {
        Principal::new("ada", names.iter().copied(), &roles())
    }

    #[test]
    fn what_no_role_grants_is_refused() {
        for nobody in [with(&[]), with(&["nothing"]), with(&["unknown"])] {
            assert!(!nobody.may_command("design", "1", "create-request"));
            assert!(!nobody.may_query("products", "list"));
            assert!(!nobody.may_read(Some("design"), Some("mine")));
            assert!(!nobody.has_role("unknown"));
        }
    }

    #[test]
    fn roles_add_up() {
        let both = with(&["payments", "shop"]);
        assert!(both.may_command("design", "1", "create-request"));
        assert!(both.may_command("design", "1", "record-payment"));
        assert!(!both.may_command("design", "1", "quote"));
        assert!(both.has_role("payments") && both.has_role("shop") && !both.has_role("all"));
    }

    #[test]
    fn who_may_read_one_may_not_read_all() {
        let shop = with(&["shop"]);
        assert!(shop.may_read(Some("design"), Some("mine")));
        assert!(!shop.may_read(Some("design"), Some("other")));
        assert!(!shop.may_read(Some("design"), None));
        assert!(!shop.may_read(None, None));
        assert!(with(&["all"]).may_read(None, None));
    }

    #[test]
    fn a_refusal_names_what_is_missing_and_what_there_is() {
        let refusal = with(&["shop"]).check_command("design", "1", "record-payment").unwrap_err().0;
        assert_eq!((refusal.status, refusal.code.as_str()), (403, "forbidden"));
        assert_eq!(
            refusal.detail,
            "the command design.1.record-payment is not granted; the roles here: shop"
        );
        let refusal = with(&[]).check_read(None, None).unwrap_err().0;
        assert_eq!(refusal.detail, "the history *.* is not granted; the roles here: none");
        assert!(with(&["shop"]).check_query("products", "list").is_ok());
        assert!(with(&["shop"]).check_role("payments").is_err());
    }
}
