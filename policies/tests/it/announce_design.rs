//! Whoever asked for a design hears once that it is done.

use domain::{
    design::{DesignCompleted, DesignEvent, DesignStarted},
    mail::{Letter, Mail, RequestMail},
};
use kit::{
    Policy, Reaction,
    scenario::{id, recorded},
};
use policies::AnnounceDesign;

use crate::sentence::{happened, order, whenever};

#[test]
fn a_completed_design_is_announced_to_whoever_asked_for_it() {
    let event = happened::<DesignEvent, _>(DesignCompleted { provenance: None });
    let letter = Letter::DesignCompleted { design: id("ada") };
    let mail = order::<Mail>("design-completed-ada", RequestMail(letter));
    whenever(&AnnounceDesign, &event, [mail]);
}

#[test]
fn nobody_hears_before_it_is_done() {
    let event = happened::<DesignEvent, _>(DesignStarted { provenance: None });
    whenever(&AnnounceDesign, &event, []);
}

#[test]
fn a_request_with_the_longest_id_has_a_mail_of_its_own() {
    let mail_of = |design: String| {
        let event: DesignEvent = DesignCompleted { provenance: None }.into();
        let event = recorded(&design.parse().unwrap(), 3, event);
        let Reaction::Order(order) = AnnounceDesign.react(&event).unwrap().remove(0) else {
            panic!("an announcement is an order");
        };
        order.id
    };
    let (one, other) = (mail_of("a".repeat(128)), mail_of("b".repeat(128)));
    assert_ne!(one, other);
    assert_eq!(one, mail_of("a".repeat(128)));
}
