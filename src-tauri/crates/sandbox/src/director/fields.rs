//! Reading the fields of an order one by one, so that an error can name its field.

use serde_json::{Map, Value};

use super::{Direct, DirectError};

/// The fields of an order, taken one by one; what is left at the end is unknown.
pub(super) struct Fields(pub(super) Map<String, Value>);

impl Fields {
    pub(super) fn take(&mut self, field: &str) -> Option<Value> {
        self.0.remove(field).filter(|value| !value.is_null())
    }

    pub(super) fn text(&mut self, field: &str) -> Direct<Option<String>> {
        match self.take(field) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(DirectError::new(field, format!("{field} is a string"))),
        }
    }

    pub(super) fn need_text(&mut self, field: &str) -> Direct<String> {
        let text = self.text(field)?.filter(|text| !text.is_empty());
        text.ok_or_else(|| DirectError::new(field, format!("{field} is required")))
    }

    pub(super) fn number(&mut self, field: &str) -> Direct<Option<u64>> {
        let Some(value) = self.take(field) else {
            return Ok(None);
        };
        let number = value.as_u64().or_else(|| {
            value
                .as_f64()
                .filter(|number| *number >= 0.0)
                .map(|number| number.round() as u64)
        });
        number
            .map(Some)
            .ok_or_else(|| DirectError::new(field, format!("{field} is a number, not negative")))
    }

    pub(super) fn small(&mut self, field: &str) -> Direct<u32> {
        let number = self.number(field)?.unwrap_or(0);
        u32::try_from(number).map_err(|_| DirectError::new(field, format!("{field} is too large")))
    }

    pub(super) fn decimal(&mut self, field: &str) -> Direct<Option<f64>> {
        let Some(value) = self.take(field) else {
            return Ok(None);
        };
        value
            .as_f64()
            .filter(|number| *number >= 0.0)
            .map(Some)
            .ok_or_else(|| DirectError::new(field, format!("{field} is a number, not negative")))
    }

    /// A list of numbers.
    pub(super) fn numbers(&mut self, field: &str) -> Direct<Option<Vec<f64>>> {
        let Some(value) = self.take(field) else {
            return Ok(None);
        };
        let list = value
            .as_array()
            .and_then(|list| list.iter().map(Value::as_f64).collect());
        list.map(Some)
            .ok_or_else(|| DirectError::new(field, format!("{field} is a list of numbers")))
    }

    pub(super) fn flag(&mut self, field: &str) -> Direct<Option<bool>> {
        match self.take(field) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(_) => Err(DirectError::new(field, format!("{field} is true or false"))),
        }
    }

    pub(super) fn map(&mut self, field: &str) -> Direct<Map<String, Value>> {
        match self.take(field) {
            None => Ok(Map::new()),
            Some(Value::Object(map)) => Ok(map),
            Some(_) => Err(DirectError::new(field, format!("{field} is an object"))),
        }
    }

    pub(super) fn finish(self) -> Direct<()> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(key) => Err(DirectError::new(key, "unknown field")),
        }
    }
}
