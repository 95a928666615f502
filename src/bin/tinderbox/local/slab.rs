//! A table whose entries keep their key, and whose keys are never used twice.

/// The key of an entry: its place, and which of that place's entries it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key(u64);

impl Key {
    /// The key as a number, for epoll(7).
    pub fn number(self) -> u64 {
        self.0
    }

    /// The key of a number.
    pub fn from_number(number: u64) -> Key {
        Key(number)
    }

    fn new(place: usize, generation: u32) -> Key {
        Key((place as u64) << 32 | u64::from(generation))
    }

    fn place(self) -> usize {
        (self.0 >> 32) as usize
    }

    fn generation(self) -> u32 {
        self.0 as u32
    }
}

/// The table.
pub struct Slab<T> {
    entries: Vec<Entry<T>>,
    free: Vec<usize>,
}

struct Entry<T> {
    generation: u32,
    value: Option<T>,
}

impl<T> Slab<T> {
    /// An empty table.
    pub fn new() -> Slab<T> {
        Slab {
            entries: Vec::new(),
            free: Vec::new(),
        }
    }

    /// Adds an entry.
    pub fn insert(&mut self, value: T) -> Key {
        let place = self.free.pop().unwrap_or_else(|| {
            self.entries.push(Entry {
                generation: 0,
                value: None,
            });
            self.entries.len() - 1
        });
        let entry = &mut self.entries[place];
        entry.value = Some(value);
        Key::new(place, entry.generation)
    }

    /// The entry of this key, unless it was removed.
    pub fn get(&self, key: Key) -> Option<&T> {
        let entry = self.entries.get(key.place())?;
        entry
            .value
            .as_ref()
            .filter(|_| entry.generation == key.generation())
    }

    /// The entry of this key, unless it was removed.
    pub fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let entry = self.entries.get_mut(key.place())?;
        let is_current = entry.generation == key.generation();
        entry.value.as_mut().filter(|_| is_current)
    }

    /// Removes an entry; its key leads to nothing from here on.
    pub fn remove(&mut self, key: Key) -> Option<T> {
        let entry = self.entries.get_mut(key.place())?;
        if entry.generation != key.generation() {
            return None;
        }
        let value = entry.value.take()?;
        entry.generation = entry.generation.wrapping_add(1);
        self.free.push(key.place());
        Some(value)
    }

    /// All entries with their keys.
    pub fn iter(&self) -> impl Iterator<Item = (Key, &T)> {
        self.entries
            .iter()
            .enumerate()
            .filter_map(|(place, entry)| {
                Some((Key::new(place, entry.generation), entry.value.as_ref()?))
            })
    }

    /// The keys of all entries.
    pub fn keys(&self) -> Vec<Key> {
        self.iter().map(|(key, _)| key).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Slab;

    #[test]
    fn removed_entry_its_key_leads_to_no_later_entry() {
        let mut slab = Slab::new();
        let (a, b) = (slab.insert('a'), slab.insert('b'));
        assert_eq!(slab.remove(a), Some('a'));
        assert_eq!(slab.remove(a), None);
        let c = slab.insert('c');
        assert_ne!(a, c);
        assert_eq!(
            (slab.get(a), slab.get(b), slab.get(c)),
            (None, Some(&'b'), Some(&'c'))
        );
        assert_eq!(slab.get_mut(a), None);
        assert_eq!(slab.keys().len(), 2);
        assert_eq!(super::Key::from_number(c.number()), c);
    }
}
