//! Paging, search, filters, sorting and attributes of lists (`contact-center.md` 5.4, 5.5).

use std::collections::BTreeMap;

use axum::response::Response;
use serde_json::{Map, Value, json};

use super::{bad_field, ok};
use crate::roster::ORG_ID;

/// One page of a list as the query asks for it; 400 names a query field that cannot be used.
pub(crate) fn page(items: Vec<Value>, query: &BTreeMap<String, String>) -> Response {
    match select(items, query) {
        Ok(body) => ok(&body),
        Err(field) => bad_field(field, &format!("the query field {field} cannot be used")),
    }
}

fn select(mut items: Vec<Value>, query: &BTreeMap<String, String>) -> Result<Value, &'static str> {
    let number = |field: &'static str, default: usize| match query.get(field) {
        Some(text) => text.parse::<usize>().map_err(|_| field),
        None => Ok(default),
    };
    let (page, size) = (number("page", 0)?, number("pageSize", 100)?);
    if size == 0 {
        return Err("pageSize");
    }
    if let Some(filter) = query.get("filter").filter(|filter| !filter.is_empty()) {
        let clauses = filter
            .split(';')
            .map(Clause::parse)
            .collect::<Option<Vec<_>>>()
            .ok_or("filter")?;
        items.retain(|item| clauses.iter().all(|clause| clause.holds(item)));
    }
    if let Some(word) = query.get("search").filter(|word| !word.is_empty()) {
        let word = word.to_lowercase();
        items.retain(|item| contains(item, &word));
    }
    let (by, order) = match query.get("sort") {
        Some(sort) => sort
            .split_once(',')
            .map(|(by, order)| (by.to_owned(), order.to_owned()))
            .unwrap_or((sort.clone(), String::new())),
        None => (
            query.get("sortBy").cloned().unwrap_or_default(),
            query.get("sortOrder").cloned().unwrap_or_default(),
        ),
    };
    if !by.is_empty() {
        items.sort_by_key(|item| plain(item.get(&by)).to_lowercase());
        if order.eq_ignore_ascii_case("desc") {
            items.reverse();
        }
    }
    let total = items.len();
    let mut data: Vec<Value> = items
        .into_iter()
        .skip(page.saturating_mul(size))
        .take(size)
        .collect();
    if let Some(attributes) = query.get("attributes").filter(|it| !it.is_empty()) {
        let names: Vec<&str> = attributes.split(',').map(str::trim).collect();
        data = data.into_iter().map(|item| only(item, &names)).collect();
    }
    Ok(json!({
        "meta": {"orgid": ORG_ID, "page": page, "pageSize": size, "totalPages": total.div_ceil(size), "totalRecords": total},
        "data": data,
    }))
}

fn only(item: Value, names: &[&str]) -> Value {
    match item {
        Value::Object(map) => Value::Object(
            map.into_iter()
                .filter(|(key, _)| names.contains(&key.as_str()))
                .collect::<Map<_, _>>(),
        ),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            item
        }
    }
}

fn contains(item: &Value, word: &str) -> bool {
    item.as_object().is_some_and(|map| {
        map.iter().any(|(key, value)| {
            key != "id"
                && value
                    .as_str()
                    .is_some_and(|text| text.to_lowercase().contains(word))
        })
    })
}

fn plain(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

/// One comparison of a filter: `field==value`, `!=`, `=in=(a,b)`, `=out=(a,b)`; `*` matches anything.
struct Clause {
    field: String,
    values: Vec<String>,
    wanted: bool,
}

impl Clause {
    fn parse(text: &str) -> Option<Self> {
        let (field, wanted, values) = [
            ("=in=", true),
            ("=out=", false),
            ("==", true),
            ("!=", false),
        ]
        .into_iter()
        .find_map(|(op, wanted)| {
            text.split_once(op)
                .map(|(field, values)| (field, wanted, values))
        })?;
        let values = values.trim().trim_start_matches('(').trim_end_matches(')');
        let values = values
            .split(',')
            .map(|value| value.trim().trim_matches(['"', '\'']).to_owned())
            .collect();
        let field = field.trim();
        (!field.is_empty()).then(|| Self {
            field: field.to_owned(),
            values,
            wanted,
        })
    }

    fn holds(&self, item: &Value) -> bool {
        let found = plain(item.get(&self.field));
        self.values.iter().any(|value| matches(&found, value)) == self.wanted
    }
}

fn matches(found: &str, pattern: &str) -> bool {
    let (found, pattern) = (found.to_lowercase(), pattern.to_lowercase());
    let inner = pattern.trim_matches('*');
    match (
        pattern.starts_with('*'),
        pattern.len() > 1 && pattern.ends_with('*'),
    ) {
        (true, true) => found.contains(inner),
        (true, false) => found.ends_with(inner),
        (false, true) => found.starts_with(inner),
        (false, false) => found == pattern,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn ask(query: &[(&str, &str)]) -> Result<Value, &'static str> {
        let items = (0..5).map(|n| json!({"id": format!("i{n}"), "name": format!("Name {n}"), "kind": if n < 2 {"A"} else {"B"}})).collect();
        select(
            items,
            &query
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
        )
    }

    #[test]
    fn pages_count_from_zero_and_say_how_many_there_are() {
        let page = ask(&[("page", "2"), ("pageSize", "2")]).unwrap();
        assert_eq!(
            page["data"],
            json!([{"id": "i4", "name": "Name 4", "kind": "B"}])
        );
        assert_eq!(
            (
                page["meta"]["totalPages"].as_u64(),
                page["meta"]["totalRecords"].as_u64()
            ),
            (Some(3), Some(5))
        );
    }

    #[test]
    fn filter_search_sort_and_attributes_work_together() {
        let page = ask(&[
            ("filter", "kind==B;id=in=(i2,i3,i0)"),
            ("search", "name"),
            ("sortBy", "name"),
            ("sortOrder", "desc"),
            ("attributes", "id"),
        ])
        .unwrap();
        assert_eq!(page["data"], json!([{"id": "i3"}, {"id": "i2"}]));
    }

    #[test]
    fn an_unusable_query_names_its_field() {
        assert_eq!(ask(&[("page", "x")]).unwrap_err(), "page");
        assert_eq!(ask(&[("pageSize", "0")]).unwrap_err(), "pageSize");
        assert_eq!(ask(&[("filter", "nonsense")]).unwrap_err(), "filter");
    }
}
