/* Fenced mode, one key of one shard. The shard has K fence items (stripes) {generation, bumps} beside the replica.
 *
 *   acquire   a conditional write of the lease row gives a generation: the row's counter, which only grows
 *   raise     each stripe, one by one: {mine, 0} if the stored generation is smaller than mine. Refused: the fence is
 *             read; mine: an attempt of ours whose answer was lost; greater: the lease is lost
 *   read      the primary, and only now
 *   write     a transaction: a condition on {generation, bumps} of any one stripe, and the put or delete
 *   bump      ends an attempt whose answer was lost: bumps+1 if the stripe is {mine, bumps}; then read and write again
 *
 * A pass {generation, bumps} only ever grows, so one that has died stays dead: that is what all rules below protect.
 * Faults: an owner loses its lease at any step and does not know (TAKES times); a worker dies at any step and begins
 * anew (CRASHES); an answer is lost (LATE times), and the request lands at any later moment or never.
 *
 * Asserted: with every record checkpointed and nothing in flight, replica == primary (`converged`); with MONO also that
 * no write ever takes the replica back (`forward`); a checkpoint is passed only by what the replica has shown.
 *
 * Switches, each of which takes a rule away or bends it:
 *   RAISE_ONE     an owner after the first knows only one of the stripes (say, another number of them in its settings)
 *   RAISE_LAZY    a stripe is raised when it is first used, not before the first write through any
 *   RAISE_LE      raise if the stored generation is smaller or equal: sets bumps to 0 again
 *   RAISE_ALWAYS  raise without a condition        RAISE_SEEN  raise if the fence is as it was read
 *   EARLY_READ    the first value was read from the primary before the stripes were raised
 *   STALE_READ    the primary is read eventually consistent
 *   NO_BUMP       an ambiguous attempt is repeated under the same pass
 *   NO_WAIT       after an ambiguous attempt another stripe is used without waiting for the bump
 *   NO_TURNS      two operations in flight for the key, on two stripes
 *   JOIN_LATE     a record that arrives while the key is in flight counts as covered by that operation
 *   TWICE         an answered request may be executed once more later (somebody between sends it again)
 *   RESET         the lease table is deleted and made anew while its old workers live: generations repeat
 *   DELETE_FENCES the fences are deleted when the shard is finished
 *   GROWS         beside RESET: the counter of a row that is made anew begins above all earlier ones (a wall time, say)
 * and two that take nothing away:
 *   SAME_VALUE    after the bump the same value is written again, without reading again
 *   COALESCE      the records that have arrived are one refresh
 */
#ifndef N
#define N 2
#endif
#ifndef TAKES
#define TAKES 2
#endif
#ifndef LATE
#define LATE 2
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef WORKERS
#define WORKERS 2
#endif
#define K 2
#define NOBODY 9

byte P, head;                      /* the primary's version; records in the stream (record i tells of version i) */
byte R, shown;                     /* the replica's version; the newest that it ever showed */
byte ckpt, gen, owner = NOBODY;    /* the lease row */
byte fgen[K], fbumps[K];           /* the fences */
#ifdef RESET
byte era; bool decided;            /* which of the tables made under one name */
#else
#define era 0
#endif
byte takes, crashes, lates, live;
bool converged = true, forward = true, covered = true;

/* Requests whose answer was lost. */
mtype = { NONE, WRITE, RAISE, BUMP };
typedef Request { mtype kind; byte stripe; byte g; byte b; byte v };
Request late[LATE + 1];

#define PASS(k, g, b) (fgen[k] == (g) && fbumps[k] == (b))
#if defined(RAISE_LE)
#define MAY_RAISE(k, g) (fgen[k] <= (g))
#elif defined(RAISE_ALWAYS)
#define MAY_RAISE(k, g) true
#else
#define MAY_RAISE(k, g) (fgen[k] < (g))
#endif

#if defined(RAISE_LE) || defined(RAISE_ALWAYS) || defined(RAISE_SEEN) || defined(RESET) || defined(DELETE_FENCES)
#define BURY skip
#else
/* A pass never comes back, so a request whose pass is over is the same as one that never lands. */
#define OVER(q) ((q.kind != NONE) && (fgen[q.stripe] > q.g || \
                 (fgen[q.stripe] == q.g && (q.kind == RAISE || fbumps[q.stripe] > q.b))))
inline bury(q) { if :: OVER(q) -> forget(q) :: else fi }
#if LATE == 1
#define BURY bury(late[0])
#elif LATE == 2
#define BURY bury(late[0]); bury(late[1])
#else
#define BURY bury(late[0]); bury(late[1]); bury(late[2])
#endif
#endif

/* What only some of the switches remember. */
#ifdef RESET
#define MY_ERA my_era
#define NOTES byte my_era;
#define SET_MY_ERA my_era = era
#define FORGET_NOTES my_era = 0
#elif defined(RAISE_SEEN)
#define NOTES byte seen = 99, seen_b;
#define FORGET_NOTES seen = 99; seen_b = 0
#elif defined(NO_TURNS)
#define NOTES byte seen;
#define FORGET_NOTES seen = 0
#elif defined(EARLY_READ)
#define NOTES byte early;
#define FIRST_READ early = P
#define FORGET_NOTES early = 0
#elif defined(RAISE_LAZY)
#define NOTES bool raised[K];
#define GRAB(k) if :: raised[k] -> skip :: !raised[k] && fgen[k] < my -> set_gen(k, my); raised[k] = true; BURY \
                :: !raised[k] && fgen[k] >= my -> goto lost fi
#define FORGET_NOTES raised[0] = false; raised[1] = false
#else
#define NOTES
#define FORGET_NOTES skip
#endif
#ifndef MY_ERA
#define MY_ERA 0
#define SET_MY_ERA skip
#endif
#ifndef FIRST_READ
#define FIRST_READ skip
#endif
#ifndef GRAB
#define GRAB(k) skip
#endif

/* The services' own atomic steps. */
inline put(version) {
  forward = (version >= shown);
#ifdef MONO
  assert(forward);
#endif
  if :: version > shown -> shown = version :: else fi;
  R = version
}
inline land(q) {
  if
  :: q.kind == WRITE && PASS(q.stripe, q.g, q.b) -> put(q.v)
  :: q.kind == RAISE && MAY_RAISE(q.stripe, q.g) -> set_gen(q.stripe, q.g)
  :: q.kind == BUMP && PASS(q.stripe, q.g, q.b) -> fbumps[q.stripe] = q.b + 1
  :: else -> skip
  fi;
  forget(q);
  BURY
}
inline set_gen(stripe_, gen_) { fgen[stripe_] = gen_; fbumps[stripe_] = 0 }
inline forget(q) { q.kind = NONE; q.stripe = 0; q.g = 0; q.b = 0; q.v = 0 }
inline send(what, k, bb, value) {
  late[lates].kind = what; late[lates].stripe = k; late[lates].g = my; late[lates].b = bb;
  late[lates].v = value; lates++
}
#define IN_FLIGHT(i) (late[i].kind != NONE)
#if LATE == 1
#define QUIET (!IN_FLIGHT(0))
#elif LATE == 2
#define QUIET (!IN_FLIGHT(0) && !IN_FLIGHT(1))
#else
#define QUIET (!IN_FLIGHT(0) && !IN_FLIGHT(1) && !IN_FLIGHT(2))
#endif

proctype Net() {
  end: do
  :: d_step { IN_FLIGHT(0) -> land(late[0]) }
  :: d_step { IN_FLIGHT(0) -> forget(late[0]) }
#if LATE > 1
  :: d_step { IN_FLIGHT(1) -> land(late[1]) }
  :: d_step { IN_FLIGHT(1) -> forget(late[1]) }
#endif
#if LATE > 2
  :: d_step { IN_FLIGHT(2) -> land(late[2]) }
  :: d_step { IN_FLIGHT(2) -> forget(late[2]) }
#endif
  od
}

proctype Primary() {
  do
  :: head < N -> d_step { P++; head++ }
  :: head == N -> break
  od
}

#ifdef RESET
proctype Operator() {
  if
  :: d_step { true -> owner = NOBODY; ckpt = 0; era++;
#ifndef GROWS
              gen = 0;
#endif
              fgen[0] = 0; fbumps[0] = 0; fgen[1] = 0; fbumps[1] = 0 }
  :: skip
  fi;
  decided = true
}
#else
#define decided true
#endif

#define STILL_MINE (gen == my && era == MY_ERA)
#define SEND(what, k, bb, value) lates < LATE -> send(what, k, bb, value)
#define DIE crashes < CRASHES -> crashes++; if :: owner == me && STILL_MINE -> owner = NOBODY :: else fi; goto lost
#ifdef RAISE_ONE
#define STRIPES (my == 1 -> K : 1)
#else
#define STRIPES K
#endif
#ifdef STALE_READ
#define READ_PRIMARY if :: r = P :: P > 0 -> r = P - 1 fi
#else
#define READ_PRIMARY r = P
#endif

proctype Worker(byte me) {
  byte my, s, h, r, k, b[K];             /* generation; records done; records that the turn covers; value; stripe; bumps */
  NOTES
again:
  atomic {
    if
    :: (owner == NOBODY || owner == me || takes < TAKES) && ckpt < N && (gen > 0 || me == 0 || era > 0) ->
       if :: owner != NOBODY && owner != me -> takes++ :: else fi;                        /* the old owner may live */
       owner = me; gen++; my = gen; SET_MY_ERA; s = ckpt; FIRST_READ
    :: head == N && ckpt == N && decided -> goto done
    fi
  }
#ifndef RAISE_LAZY
  do                                     /* raise stripe k */
#ifdef RAISE_SEEN
  :: atomic { seen != fgen[k] || seen_b != fbumps[k] -> seen = fgen[k]; seen_b = fbumps[k] }
  :: atomic { seen == fgen[k] && seen_b == fbumps[k] -> set_gen(k, my); k++; if :: k == STRIPES -> break :: else fi }
#else
  :: atomic { MAY_RAISE(k, my) -> set_gen(k, my); BURY; k++; if :: k == STRIPES -> break :: else fi }
  :: atomic { !MAY_RAISE(k, my) && fgen[k] == my -> k++; if :: k == STRIPES -> break :: else fi }
  :: atomic { !MAY_RAISE(k, my) && fgen[k] > my -> goto lost }
  :: atomic { SEND(RAISE, k, 0, 0) }     /* no answer: again */
#endif
  :: atomic { DIE }
  od;
#endif
idle:
  atomic {
    k = 0; r = 0; h = 0;
    if
    :: s < head ->
       h = s + 1;
#ifdef COALESCE
       if :: h = head :: skip fi;        /* the records that have arrived are one refresh */
#endif
read:  
       READ_PRIMARY
#ifdef EARLY_READ
       ; if :: early > 0 -> r = early; early = 0 :: else fi
#endif
    :: s > ckpt && STILL_MINE ->         /* or run ahead of the checkpoint */
       ckpt = s; covered = (shown >= s); assert(covered);
#ifdef DELETE_FENCES
       if :: s == N -> fgen[0] = 0; fbumps[0] = 0; fgen[1] = 0; fbumps[1] = 0 :: else fi;
#endif
       goto idle
    :: s == N && (!STILL_MINE || ckpt == N) -> goto lost
    :: DIE
    fi
  }
write:
  if
  :: atomic { k = 0; GRAB(k) }           /* any free stripe */
  :: atomic { STRIPES > 1 -> k = 1; GRAB(k) }
  :: atomic { DIE }
  fi;
attempt:
  if
  :: atomic { PASS(k, my, b[k]) -> put(r);
#ifdef TWICE
       if :: SEND(WRITE, k, b[k], r) :: skip fi;
#endif
#ifdef JOIN_LATE
       h = head;
#endif
       s = h; goto idle }
  :: atomic { !PASS(k, my, b[k]) -> goto lost }
  :: atomic { SEND(WRITE, k, b[k], r);   /* no answer: it may land, now or later */
#if defined(NO_BUMP)
       goto read }
#elif defined(NO_WAIT)
       if :: SEND(BUMP, k, b[k], 0) :: skip fi;
       k = 1 - k; READ_PRIMARY; goto attempt }
#elif defined(NO_TURNS)
       seen = lates - 1 }                /* not lost, but taking its time: what arrives meanwhile is not kept waiting */
     if
     :: atomic { s + 1 < head -> k = 1 - k; READ_PRIMARY };
        if
        :: atomic { PASS(k, my, b[k]) -> put(r) }
        :: atomic { !PASS(k, my, b[k]) -> goto lost }
        fi;
        atomic { !IN_FLIGHT(seen) -> s = s + 2; seen = 0; goto idle }
     :: atomic { !IN_FLIGHT(seen) -> seen = 0; goto read }
     fi
#else
       goto bump }
#endif
  fi;
bump:
  if
  :: atomic { PASS(k, my, b[k]) -> fbumps[k]++; b[k]++; BURY }
  :: atomic { PASS(k, my, b[k] + 1) -> b[k]++ }                 /* refused, and read: ours has landed */
  :: atomic { !PASS(k, my, b[k]) && !PASS(k, my, b[k] + 1) -> goto lost }
  :: atomic { SEND(BUMP, k, b[k], 0) -> goto bump }                     /* no answer: again */
  :: atomic { DIE }
  fi;
#ifdef SAME_VALUE
  goto write;
#else
  goto read;
#endif
lost:
  atomic { my = 0; s = 0; h = 0; r = 0; k = 0; b[0] = 0; b[1] = 0; FORGET_NOTES; goto again };
done:
  live--
}

init {
  atomic {
    run Primary(); run Net();
#ifdef RESET
    run Operator();
#endif
    live = live + WORKERS;
    run Worker(0);
#if WORKERS > 1
    run Worker(1);
#endif
#if WORKERS > 2
    run Worker(2);
#endif
  }
  (head == N && live == 0 && QUIET && decided);
  atomic { converged = (R == P); assert(converged) }
}
