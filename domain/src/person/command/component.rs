//! What may be asked about a person's components.
//! Not here: whether it may be done.

use kit::{PartId, json};
use serde::{Deserialize, Serialize};

use crate::person::{Component, Invalid};

bodies! {
    /// Take a component away.
    RemoveComponent {
        /// The component.
        component_id: PartId,
    }
}

/// Add a component.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "ComponentForm")]
pub struct AddComponent {
    /// The component's id within the person; made if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component_id: Option<PartId>,
    /// Its type and data: `component_type` and `data`.
    #[serde(flatten)]
    pub component: Component,
}

/// Give a component other data of the same type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "ComponentForm")]
pub struct UpdateComponent {
    /// The component.
    pub component_id: PartId,
    /// The same type and the new data, whole: `component_type` and `data`.
    #[serde(flatten)]
    pub component: Component,
}

/// Read first for the same reason as the form of a contact.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ComponentForm {
    component_id: Option<PartId>,
    component_type: serde_json::Value,
    data: serde_json::Value,
}

impl ComponentForm {
    fn read(self) -> Result<(Option<PartId>, Component), Invalid> {
        let value = serde_json::json!({ "component_type": self.component_type, "data": self.data });
        let component = json::from_value(&value).map_err(|error| Invalid(error.to_string()))?;
        Ok((self.component_id, component))
    }
}

impl TryFrom<ComponentForm> for AddComponent {
    type Error = Invalid;

    fn try_from(form: ComponentForm) -> Result<Self, Invalid> {
        form.read().map(|(component_id, component)| Self { component_id, component })
    }
}

impl TryFrom<ComponentForm> for UpdateComponent {
    type Error = Invalid;

    fn try_from(form: ComponentForm) -> Result<Self, Invalid> {
        let (component_id, component) = form.read()?;
        let component_id =
            component_id.ok_or_else(|| Invalid("/component_id is missing".to_owned()))?;
        Ok(Self { component_id, component })
    }
}
