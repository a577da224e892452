//! A batch of steps into the tables of one generation: many rows to a statement, and if the database
//! refuses something, one event after the other, to find the one at fault.

use kit::{Position, tables::Table};

use super::{
    Declared,
    admission::Step,
    expand,
    pending::{Pending, Sorted},
    places, storage,
};
use crate::{
    handler::Failure,
    readmodel::{
        Touch,
        batch::ApplyError,
        generation::Generation,
        sql::{Cell, Param, Refusal, Storage, Tx},
    },
};

/// Carries out what `touches` change, in order.
pub(in crate::readmodel) async fn write<'a>(
    tx: &mut Tx,
    generation: &Generation,
    declared: &Declared,
    touches: impl Iterator<Item = &'a Touch>,
) -> Result<(), ApplyError> {
    let touches: Vec<(&Touch, &Vec<Step>)> = touches
        .map(|touch| steps(touch).map(|steps| (touch, steps)))
        .collect::<Result<_, ApplyError>>()?;
    if touches.is_empty() {
        return Ok(());
    }
    let mut writer = Writer::new(generation, declared);
    tx.script("SAVEPOINT batch").await?;
    let together = writer.all(tx, touches.iter().flat_map(|(_, steps)| *steps)).await;
    match together {
        Ok(()) => return Ok(tx.script("RELEASE SAVEPOINT batch").await?),
        Err(error) if Refusal::of(&error).is_none() => return Err(error.into()),
        Err(_) => tx.script("ROLLBACK TO SAVEPOINT batch").await?,
    }
    let mut writer = Writer::new(generation, declared);
    for (touch, steps) in touches {
        if let Err(error) = writer.all(tx, steps.iter()).await {
            let refusal = Refusal::of(&error).ok_or(error)?;
            let failure = Failure::Permanent(format!("the store refuses what it makes: {refusal}"));
            let (position, index) = (touch.position, touch.index);
            return Err(ApplyError::Event { position, index, failure });
        }
    }
    Ok(())
}

fn steps(touch: &Touch) -> Result<&Vec<Step>, ApplyError> {
    let (position, index): (Position, usize) = (touch.position, touch.index);
    touch.event.downcast_ref().ok_or_else(|| {
        let failure = Failure::Bug("an event of another projection".to_owned());
        ApplyError::Event { position, index, failure }
    })
}

struct Writer<'a> {
    generation: &'a Generation,
    declared: &'a Declared,
    /// By table.
    pending: Vec<Pending>,
}

impl<'a> Writer<'a> {
    fn new(generation: &'a Generation, declared: &'a Declared) -> Self {
        let pending = declared.tables.iter().map(|_| Pending::default()).collect();
        Self { generation, declared, pending }
    }

    /// Carries out `steps`, and leaves nothing pending.
    async fn all(
        &mut self,
        tx: &mut Tx,
        steps: impl Iterator<Item = &'a Step>,
    ) -> sqlx::Result<()> {
        for step in steps {
            match step.clone() {
                Step::Put { table, key, row } => self.pending[table].put(key, row),
                Step::Set { table, key, values } => self.pending[table].set(key, values),
                Step::Delete { table, key } => self.pending[table].delete(key),
                Step::Run { statement, values } => {
                    self.flush(tx).await?;
                    self.run(tx, statement, &values).await?;
                }
            }
        }
        self.flush(tx).await
    }

    async fn run(&self, tx: &mut Tx, statement: usize, values: &[Cell]) -> sqlx::Result<()> {
        let statement = self.declared.statements[statement];
        let of = statement.params.iter().map(|of| storage(*of));
        let params: Vec<_> = of.zip(values).map(|(of, cell)| Param::Cell(of, cell)).collect();
        let sql = expand(statement.sql, &self.generation.tables);
        tx.execute(sqlx::AssertSqlSafe(sql), &params).await?;
        Ok(())
    }

    async fn flush(&mut self, tx: &mut Tx) -> sqlx::Result<()> {
        for (table, pending) in self.declared.tables.iter().zip(&mut self.pending) {
            let Sorted { deleted, put, set } = pending.take();
            let name = self.generation.tables.own(table.name);
            let key = table.key.join(", ");
            let keys = places(table, table.key);
            let delete = format!("DELETE FROM {name} WHERE ({key}) IN (SELECT {key} FROM v)");
            tx.execute_with(&source(table, &keys), &deleted, &delete).await?;
            let every: Vec<_> = (0..table.columns.len()).collect();
            tx.execute_with(&source(table, &every), &put, &upsert(table, &name)).await?;
            for (columns, rows) in set {
                let named = |at: &usize| table.columns[*at].name;
                let values = columns.iter().map(named).map(|it| format!("{it} = v.{it}"));
                let same = table.key.iter().map(|it| format!("{name}.{it} = v.{it}"));
                let (values, same) = (joined(values, ", "), joined(same, " AND "));
                let update = format!("UPDATE {name} SET {values} FROM v WHERE {same}");
                let columns: Vec<_> = keys.iter().chain(&columns).copied().collect();
                tx.execute_with(&source(table, &columns), &rows, &update).await?;
            }
        }
        Ok(())
    }
}

/// The columns at `places`, and how they are stored.
fn source(table: &Table, places: &[usize]) -> Vec<(&'static str, Storage)> {
    let column = |at: &usize| (table.columns[*at].name, storage(table.columns[*at].of));
    places.iter().map(column).collect()
}

fn upsert(table: &Table, name: &str) -> String {
    let columns = joined(table.columns.iter().map(|column| column.name.to_owned()), ", ");
    let others = table.columns.iter().filter(|column| !table.key.contains(&column.name));
    let values = joined(others.map(|it| format!("{0} = excluded.{0}", it.name)), ", ");
    let then =
        if values.is_empty() { "NOTHING".to_owned() } else { format!("UPDATE SET {values}") };
    // SQLite would read the conflict as part of a join, if nothing stood between.
    format!(
        "INSERT INTO {name} ({columns}) SELECT {columns} FROM v WHERE TRUE
         ON CONFLICT ({}) DO {then}",
        table.key.join(", ")
    )
}

fn joined(parts: impl Iterator<Item = String>, by: &str) -> String {
    parts.collect::<Vec<_>>().join(by)
}
