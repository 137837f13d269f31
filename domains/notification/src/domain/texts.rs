//! What the system says by itself. Rule: plain text without names of other people, so that deleting a user leaves
//! nothing of theirs in anybody else's box.

use super::content::{ActionUrl, Body, Category, Content, Title};
use super::recipient::Profile;
use contracts::TaskId;

/// To somebody who has just got an account.
pub(crate) fn welcome(category: &str, profile: &Profile) -> Content {
    Content {
        category: Some(Category::of_event(category)),
        title: Title::of("Welcome to Cleave"),
        body: Some(Body::of(&format!(
            "Hello {}, your account is ready. Whatever concerns you will be found here.",
            profile.name()
        ))),
        action_url: None,
    }
}

/// To the assignee of a task.
pub(crate) fn assigned(category: &str, task: TaskId, title: &str) -> Content {
    about_task(category, task, "Assigned to you", title, "is now yours to do")
}

/// To those who wait for a task, or were to do it.
pub(crate) fn completed(category: &str, task: TaskId, title: &str) -> Content {
    about_task(category, task, "Completed", title, "is done")
}

/// To somebody whose password was changed: it may have been somebody else.
pub(crate) fn password_changed(category: &str) -> Content {
    Content {
        category: Some(Category::of_event(category)),
        title: Title::of("Your password was changed"),
        body: Some(Body::of(
            "Everywhere else you were signed out. If it was not you, tell an administrator at once: your account can be \
             disabled.",
        )),
        action_url: None,
    }
}

/// To somebody of whom a sign-in was ended, because two had what keeps it going.
pub(crate) fn access_revoked(category: &str) -> Content {
    Content {
        category: Some(Category::of_event(category)),
        title: Title::of("One of your sign-ins was ended"),
        body: Some(Body::of(
            "What kept it going was used twice: somebody may have copied it. Sign in there again, look through the list \
             of your sessions, and if you do not know how it came about, change your password.",
        )),
        action_url: None,
    }
}

fn about_task(category: &str, task: TaskId, headline: &str, title: &str, what: &str) -> Content {
    Content {
        category: Some(Category::of_event(category)),
        title: Title::of(&format!("{headline}: {title}")),
        body: Some(Body::of(&format!("The task \"{title}\" {what}."))),
        action_url: Some(ActionUrl::task(task)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::UserId;
    use uuid::Uuid;

    fn profile(display_name: Option<&str>) -> Profile {
        Profile {
            user: UserId(Uuid::from_u128(1)),
            username: "anna".to_owned(),
            email: "anna@example.org".to_owned(),
            display_name: display_name.map(str::to_owned),
            timezone: "UTC".to_owned(),
            is_active: true,
        }
    }

    #[test]
    fn a_welcome_calls_the_user_as_the_user_wishes() {
        let greeting = |name| welcome("user.created", &profile(name)).body.unwrap().as_str().to_owned();
        assert!(greeting(Some("Anna B.")).starts_with("Hello Anna B., "));
        assert!(greeting(None).starts_with("Hello anna, "));
        assert!(greeting(Some("  ")).starts_with("Hello anna, "));
    }

    #[test]
    fn a_task_is_named_and_linked() {
        let task = TaskId(Uuid::from_u128(7));
        let content = completed("task.completed", task, "Paint the fence");
        assert_eq!(content.title.as_str(), "Completed: Paint the fence");
        assert_eq!(content.body.unwrap().as_str(), "The task \"Paint the fence\" is done.");
        assert_eq!(content.category.unwrap().as_str(), "task.completed");
        assert_eq!(content.action_url.unwrap().as_str(), format!("/api/v1/tasks/{task}"));
        assert_eq!(assigned("task.assigned", task, "x").title.as_str(), "Assigned to you: x");
    }

    #[test]
    fn nothing_that_users_chose_brings_control_characters_in() {
        let nasty = "a\r\nBcc: b\0\u{202E}";
        let task = TaskId(Uuid::from_u128(7));
        let all =
            [welcome("user.created", &profile(Some(nasty))), assigned("t", task, nasty), completed("t", task, nasty)];
        for content in all {
            assert!(Title::parse(content.title.as_str()).is_ok());
            assert!(!content.body.unwrap().as_str().contains(['\r', '\n', '\0', '\u{202E}']));
        }
    }

    #[test]
    fn the_own_texts_satisfy_the_rules_for_everybody() {
        let content = assigned("task.assigned", TaskId(Uuid::from_u128(7)), &"ü".repeat(200));
        assert!(Title::parse(content.title.as_str()).is_ok());
        assert!(Body::parse(content.body.unwrap().as_str()).is_ok());
        assert!(Category::parse(content.category.unwrap().as_str()).is_ok());
        assert!(ActionUrl::parse(content.action_url.unwrap().as_str()).is_ok());
        for content in [password_changed("user.password_changed"), access_revoked("user.access_revoked")] {
            assert!(Title::parse(content.title.as_str()).is_ok());
            assert!(Body::parse(content.body.unwrap().as_str()).is_ok());
            assert!(Category::parse(content.category.unwrap().as_str()).is_ok());
        }
    }
}
