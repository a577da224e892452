//! A machine moves only along its arrows.

use kit::Machine;

use crate::lamp::{Lamp, PutOut, lit};

#[test]
fn an_event_without_an_arrow_leaves_the_machine_as_it_is() {
    let mut lamp = Lamp::Dark;
    assert_eq!(lamp.clone().after(&PutOut {}.into()), Err(Lamp::Dark));
    lamp.advance(&PutOut {}.into());
    assert_eq!(lamp, Lamp::Dark);
}

#[test]
fn an_event_with_an_arrow_moves_it() {
    let mut lamp = Lamp::Dark;
    assert!(lamp.accepts(&lit(800)) && !lamp.accepts(&PutOut {}.into()));
    lamp.advance(&lit(800));
    assert_eq!(lamp, Lamp::Shining { lumens: 800 });
}
