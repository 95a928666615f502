//! Valid frames, and their mutations.

use crate::support::random::Random;

const FRAMES: &[&[u8]] = &[
    b"ok @@ 5\nhello",
    b"ok @@ 5 text/plain\nhello",
    b"ok @@ 0\n",
    b"error @@ 24 Runtime.Bad\n{\"errorType\":\"X\",\"a\":12}",
    b"error @@ 2 E\n{}",
    b"fatal @@ 2 F\n{}",
    b"stream @@\nchunk @@ 3\nabcchunk @@ 2\ndeend @@\n",
    b"stream @@ text/html\nchunk @@ 3\nabcend @@\n",
    b"stream @@\nchunk @@ 3\nabcerror @@ 2 E\n{}",
    b"stream @@\nend @@\n",
];

const PIECES: &[&[u8]] = &[
    b"ok @@ 3\nabc",
    b"ok @+ 3\nabc",
    b"ready\n",
    b"init-error 2 X\n{}",
    b"\n",
    b" ",
    b"@@",
    b"@+",
    b"0",
    b"18446744073709551615",
    b"18446744073709551616",
    b"99999999999",
    b"-1",
    b"stream @@\n",
    b"chunk @@ 0\n",
    b"chunk @@ 2\nxy",
    b"end @@\n",
    b"\0",
    b"\r\n",
    b"ok @@ 6291557\n",
    b"error @@ 262145 E\n",
    b"\xff",
];

/// Mutations are made near the front: that is where the lines are.
const FRONT: usize = 120;

/// A frame with up to two mutations.
pub fn frame(random: &mut Random) -> Vec<u8> {
    let mut frame = match random.below(FRAMES.len() + 1) {
        0 => [b"ok @@ 300000\n".to_vec(), vec![b'z'; 300_000]].concat(),
        number => FRAMES[number - 1].to_vec(),
    };
    for _ in 0..random.pick(&[0, 1, 1, 1, 2]) {
        mutate(random, &mut frame);
    }
    frame
}

fn piece(random: &mut Random) -> Vec<u8> {
    match random.below(PIECES.len() + 1) {
        0 => vec![b'x'; 300], // longer than a line
        number => PIECES[number - 1].to_vec(),
    }
}

fn mutate(random: &mut Random, frame: &mut Vec<u8>) {
    let front = frame.len().min(FRONT);
    // Often where a field begins or ends.
    let edges: Vec<usize> = (0..front)
        .filter(|at| b" \n".contains(&frame[*at]))
        .flat_map(|at| [at, at + 1])
        .collect();
    let at = match random.below(2) {
        0 if !edges.is_empty() => random.pick(&edges),
        _ => random.below(front + 1),
    };
    let is_within = at < front;
    match random.below(8) {
        0 if is_within => frame[at] = random.next() as u8,
        1 if is_within => {
            let end = frame.len().min(at + random.pick(&[1, 1, 3]));
            frame.drain(at..end);
        }
        2 if is_within => frame.truncate(at),
        3 => number(random, frame),
        // A number that is written in another way, or a field too many.
        7 if !edges.is_empty() => {
            let (at, other) = (random.pick(&edges), random.pick(&["0", "+", " ", "-"]));
            frame.splice(at..at, other.bytes()).for_each(drop);
        }
        4 => frame.splice(0..0, piece(random)).for_each(drop),
        5 => frame.extend(piece(random)),
        _ => frame.splice(at..at, piece(random)).for_each(drop),
    }
}

/// Another number in the place of one.
fn number(random: &mut Random, frame: &mut Vec<u8>) {
    let front = frame.len().min(FRONT);
    let mut starts: Vec<usize> = (0..front)
        .filter(|at| frame[*at].is_ascii_digit())
        .collect();
    starts.retain(|at| *at == 0 || !frame[at - 1].is_ascii_digit());
    if starts.is_empty() {
        return;
    }
    let start = random.pick(&starts);
    let digits = frame[start..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit());
    let end = start + digits.count();
    let other = random.pick(&["0", "1", "4", "5", "6", "300000", "05"]);
    frame.splice(start..end, other.bytes()).for_each(drop);
}
