//! What has happened to a person's components.
//! Not here: what else changes with it; the state says so.

use kit::PartId;

use crate::person::Component;

payloads! {
    /// A component is there.
    ComponentAdded {
        /// The component's id within the person.
        component_id: PartId,
        /// Its type and data.
        #[serde(flatten)]
        component: Component,
    }
    /// A component has other data.
    ComponentUpdated {
        /// The component.
        component_id: PartId,
        /// The same type and the new data, whole.
        #[serde(flatten)]
        component: Component,
    }
    /// A component is gone.
    ComponentRemoved {
        /// The component.
        component_id: PartId,
    }
}
