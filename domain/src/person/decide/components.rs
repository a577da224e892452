//! Rules of components: they only have to be the ones that are meant.
//! Not here: their forms.

use kit::{Context, PartId};

use super::{Decision, nothing, one, room};
use crate::person::{
    AddComponent, Component, ComponentAdded, ComponentRemoved, ComponentUpdated, Person,
    PersonError, RemoveComponent, UpdateComponent,
};

/// Most components of a person.
const COMPONENTS_MAX: usize = 100;

impl Person {
    /// Without an id, the same data again is the same component.
    pub(super) fn add_component(&self, command: &AddComponent, context: &Context) -> Decision {
        self.living()?;
        let AddComponent { component_id, component } = command;
        let same = match component_id {
            Some(id) => self.components.get(id).map(|here| here == component),
            None => self.components.values().any(|here| here == component).then_some(true),
        };
        match same {
            Some(true) => return nothing(),
            Some(false) => return Err(PersonError::ComponentExists),
            None => {}
        }
        room(self.components.len(), COMPONENTS_MAX)?;
        one(ComponentAdded {
            component_id: component_id.clone().unwrap_or_else(|| context.id().into()),
            component: component.clone(),
        })
    }

    pub(super) fn update_component(&self, command: &UpdateComponent) -> Decision {
        self.living()?;
        let UpdateComponent { component_id, component } = command.clone();
        let here = self.component(&component_id)?;
        if here.component_type() != component.component_type() {
            return Err(PersonError::ComponentTypeDiffers);
        }
        if *here == component {
            return nothing();
        }
        one(ComponentUpdated { component_id, component })
    }

    pub(super) fn remove_component(&self, command: &RemoveComponent) -> Decision {
        self.living()?;
        self.component(&command.component_id)?;
        one(ComponentRemoved { component_id: command.component_id.clone() })
    }

    fn component(&self, id: &PartId) -> Result<&Component, PersonError> {
        self.components.get(id).ok_or(PersonError::ComponentNotFound)
    }
}
