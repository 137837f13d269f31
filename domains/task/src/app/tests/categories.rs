//! Categories under their constraints.

use crate::app::{
    CreateCategory, CreateCategoryError, CreateTask, CreateTaskError, DeleteCategory, DeleteCategoryError,
    ReferenceError, UpdateCategory, UpdateCategoryError, create_category, create_task, delete_category,
    update_category,
};
use crate::domain::testing::{anna, ben, root};
use crate::domain::{Actor, Category, CategoryEdit, CategoryName, Labels, NewCategory, NewTask, Title};
use crate::testing::Bench;
use contracts::CategoryId;
use contracts::task::Priority;
use db::Context;
use futures_util::future::join_all;
use web::IfMatch;

async fn create(bench: &Bench, by: Actor, name: &str) -> Result<Category, CreateCategoryError> {
    let category = NewCategory { name: CategoryName::stored(name.to_owned()), color: None, description: None };
    bench.db.write(&Context::default(), &CreateCategory { category, by }, create_category).await
}

async fn delete(bench: &Bench, by: Actor, category: CategoryId) -> Result<(), DeleteCategoryError> {
    let command = DeleteCategory { category, by, if_match: IfMatch::Absent };
    bench.db.write(&Context::default(), &command, delete_category).await
}

async fn file(bench: &Bench, by: Actor, category: CategoryId) -> Result<(), CreateTaskError> {
    let task = NewTask {
        title: Title::stored("Buy milk".to_owned()),
        description: None,
        priority: Priority::None,
        category_id: Some(category),
        labels: Labels::default(),
        assignee_id: None,
        due_at: None,
        remind_at: None,
    };
    bench.db.write(&Context::default(), &CreateTask { task, by }, create_task).await.map(drop)
}

#[tokio::test]
async fn of_two_of_one_name_made_at_once_one_is_refused() {
    let bench = Bench::open().await;
    let made = join_all((0..20).map(|_| create(&bench, anna(), "Home"))).await;
    assert_eq!(made.iter().filter(|made| made.is_ok()).count(), 1);
    assert!(made.iter().flat_map(|made| made.as_ref().err()).all(|e| matches!(e, CreateCategoryError::NameTaken)));
    assert!(create(&bench, ben(), "Home").await.is_ok());
}

#[tokio::test]
async fn renaming_to_a_taken_name_changes_nothing() {
    let bench = Bench::open().await;
    create(&bench, anna(), "Home").await.unwrap();
    let work = create(&bench, anna(), "Work").await.unwrap();
    let edit = CategoryEdit { name: Some(CategoryName::stored("Home".to_owned())), ..CategoryEdit::default() };
    let command = UpdateCategory { category: work.id, edit, by: anna(), if_match: IfMatch::Absent };
    let refused = bench.db.write(&Context::default(), &command, update_category).await;
    assert!(matches!(refused, Err(UpdateCategoryError::NameTaken)), "{refused:?}");
    let kept = crate::store::get_category(bench.db.reader(), work.id, anna()).await.unwrap();
    assert_eq!(kept, Some(work));
}

#[tokio::test]
async fn a_category_in_use_is_not_deleted() {
    let bench = Bench::open().await;
    let home = create(&bench, anna(), "Home").await.unwrap();
    file(&bench, anna(), home.id).await.unwrap();
    assert!(matches!(delete(&bench, ben(), home.id).await, Err(DeleteCategoryError::NotFound)));
    assert!(matches!(delete(&bench, anna(), home.id).await, Err(DeleteCategoryError::NotEmpty)));
    let work = create(&bench, anna(), "Work").await.unwrap();
    assert!(delete(&bench, root(), work.id).await.is_ok());
    assert!(matches!(delete(&bench, anna(), work.id).await, Err(DeleteCategoryError::NotFound)));
}

#[tokio::test]
async fn a_task_is_filed_under_its_creators_own_categories() {
    let bench = Bench::open().await;
    let home = create(&bench, anna(), "Home").await.unwrap();
    for by in [ben(), root()] {
        let refused = file(&bench, by, home.id).await;
        assert!(
            matches!(refused, Err(CreateTaskError::Reference(ReferenceError::UnknownCategory(id))) if id == home.id),
            "{refused:?}"
        );
    }
    assert!(file(&bench, anna(), home.id).await.is_ok());
}
