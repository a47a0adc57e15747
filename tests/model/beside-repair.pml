/* A second writer beside a healthy replicator: repair, backfill, replay. It holds no lease: it reads both sides, writes
 * the replica where they differ, and reads the primary again until it holds still.
 *
 * Switches: VERIFY as above; CAS (it writes only if the replica still is what it saw); ABA (values repeat: 1, absent, 1);
 * CRASH (it may die once, anywhere, and is not run again); JOURNAL (the key was journaled before: the next run finishes
 * it); LATE (one write of it has no answer and lands any time later); WAIT (it then waits until nothing can land any more).
 */
#ifndef N
#define N 3
#endif
#ifdef ABA
#define VALUE(i) ((i) % 2)
#else
#define VALUE(i) (i)
#endif
byte P, R, head, made, live; bool died, late, flying, converged = true; byte flying_v;

proctype Primary() { do :: d_step { made < N -> made++; P = VALUE(made); head++ } :: made == N -> break od }
proctype Net() { end: do :: atomic { flying -> R = flying_v; flying = false } :: atomic { flying -> flying = false } od }
proctype Replicator() {
  byte r, s;
  do
  :: s < head -> r = P; R = r; s++
  :: made == N && s == head -> break
  od;
  live--
}
#ifdef JOURNAL
#define MAY_DIE if :: !died -> died = true; goto retry :: skip fi
#elif defined(CRASH)
#define MAY_DIE if :: !died -> died = true; goto done :: skip fi
#else
#define MAY_DIE skip
#endif
proctype Second() {
  byte old, p;
retry:
#ifdef WAIT
  !flying;
#endif
  old = R; p = P;
  MAY_DIE;
  if :: p == old -> goto done :: else fi;
#ifdef LATE
  if :: atomic { !late -> late = true; flying = true; flying_v = p; goto retry } :: skip fi;
#endif
#ifdef CAS
  atomic { if :: R == old -> R = p :: else -> goto retry fi };
#else
  R = p;
#endif
  MAY_DIE;
#ifdef VERIFY
  if :: P != p -> goto retry :: P == p fi;
#endif
done:
  live--
}
init {
  atomic { live = 2; run Primary(); run Net(); run Replicator(); run Second() }
  (made == N && live == 0 && !flying);
  atomic { converged = (R == P); assert(converged) }
}
