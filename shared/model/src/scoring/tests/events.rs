use super::*;

#[test]
fn an_event_is_read_to_the_millisecond_and_comes_back_as_it_was_told() {
    let told = event(|event| event["occurred_at"] = json!("2026-11-23T09:00:00.123987+01:00"));
    let read = read(&told);
    assert_eq!(read.occurred_at.timestamp_millis(), 1_795_420_800_123);
    assert_eq!((read.email.as_str(), read.email_typed.as_str()), ("jane@example.com", "Jane@Example.com"));
    assert_eq!(super::read(&read.to_json()), read);
}

#[test]
fn what_may_be_left_out_may_be_left_out() {
    let short = event(|event| {
        event.as_object_mut().unwrap().retain(|name, _| name != "properties" && name != "machine");
    });
    let read = read(&short);
    assert!(read.properties.is_empty() && !read.machine);
}

#[test]
fn each_fault_has_its_place_and_code() {
    let long = "x".repeat(200);
    for (pointer, value, code) in [
        ("/id", json!(null), "required"),
        ("/id", json!(5), "wrong_type"),
        ("/id", json!("a\nb"), "invalid_event_id"),
        ("/id", json!(long), "invalid_event_id"),
        ("/type", json!("Email Opened"), "invalid_event_type"),
        ("/type", json!("email..opened"), "invalid_event_type"),
        ("/contact", json!("jane@example.com"), "wrong_type"),
        ("/contact/email", json!("jane"), "invalid_email"),
        ("/contact/id", json!("x"), "unknown_member"),
        ("/occurred_at", json!("yesterday"), "invalid_time"),
        ("/occurred_at", json!("2026-11-23"), "invalid_time"),
        ("/occurred_at", json!("1969-12-31T23:59:59Z"), "too_old"),
        ("/occurred_at", json!("2926-11-23T08:00:00Z"), "in_the_future"),
        ("/properties", json!([]), "wrong_type"),
        ("/properties", json!({"a": [[[[[["deep"]]]]]]}), "properties_too_deep"),
        ("/properties", json!({"a": "x".repeat(9_000)}), "properties_too_large"),
        ("/properties/bounce_type", json!("medium"), "invalid_bounce_type"),
        ("/machine", json!("no"), "wrong_type"),
        ("/score", json!(5), "unknown_member"),
    ] {
        let bad = event(|event| {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            let place = event.pointer_mut(parent).unwrap().as_object_mut().unwrap();
            place.insert(name.to_owned(), value);
        });
        let faults = Event::from_json(&bad, after(60)).unwrap_err();
        let found: Vec<(&str, &str)> =
            faults.iter().map(|fault| (fault.pointer.as_str(), fault.invalid.code)).collect();
        assert_eq!(found, [(pointer, code)], "{bad}");
    }
}

#[test]
fn all_faults_are_told_at_once() {
    let faults = Event::from_json(&json!({"id": "", "contact": {}}), start()).unwrap_err();
    let found: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!(found, ["/id", "/type", "/occurred_at", "/contact/email"]);
    assert_eq!(Event::from_json(&json!(5), start()).unwrap_err()[0].invalid.code, "wrong_type");
}
