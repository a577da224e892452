//! The rules of products.
//! Not here: where an event leads.

use kit::Machine;

use super::{
    ChangePrice, CreateProduct, Details, PriceChanged, Product, ProductCommand, ProductCreated,
    ProductError, ProductEvent, ProductRenamed, ProductRestored, ProductRetired, RenameProduct,
};
use crate::money::Money;

type Decision = Result<Vec<ProductEvent>, ProductError>;

fn one(event: impl Into<ProductEvent>) -> Decision {
    Ok(vec![event.into()])
}

impl Product {
    /// What follows from `command`: no event if it is already so.
    ///
    /// # Errors
    /// [`ProductError`], if it may not be.
    pub fn decide(&self, command: &ProductCommand) -> Decision {
        use ProductCommand as C;
        let known = self.details().ok_or(ProductError::NotFound);
        let event: ProductEvent = match command {
            C::CreateProduct(command) => return self.create(command),
            C::RenameProduct(command) => {
                let RenameProduct { name, description } = command.clone();
                ProductRenamed { name, description }.into()
            }
            C::ChangePrice(command) => {
                let ChangePrice { currency, amount } = command.clone();
                if amount.is_some_and(|amount| !Money::new(amount, currency).is_payable()) {
                    return Err(ProductError::InvalidAmount);
                }
                PriceChanged { currency, amount }.into()
            }
            C::RetireProduct(command) => ProductRetired { reason: command.reason.clone() }.into(),
            C::RestoreProduct(command) => ProductRestored { reason: command.reason.clone() }.into(),
        };
        known?;
        // What leads nowhere, or to where it is, is so already.
        match self.clone().after(&event) {
            Ok(after) if after != *self => one(event),
            _ => Ok(Vec::new()),
        }
    }

    fn create(&self, command: &CreateProduct) -> Decision {
        let CreateProduct { name, description, prices } = command.clone();
        let created = Details { name, description, prices };
        match self.details() {
            Some(known) if *known == created => return Ok(Vec::new()),
            Some(_) => return Err(ProductError::ProductExists),
            None => {}
        }
        let mut prices = created.prices.iter();
        if !prices.all(|(currency, amount)| Money::new(*amount, *currency).is_payable()) {
            return Err(ProductError::InvalidAmount);
        }
        let Details { name, description, prices } = created;
        one(ProductCreated { name, description, prices })
    }
}
