/* Fast mode, one key of one shard: plain writes, right as long as no write lands more than D after its deadline.
 *
 *   lease     taken if the row is free, or has stood still for LEASE; an owner that goes on renews it
 *   issue     a write is issued only before 2/3 of the lease (ISSUE), and its deadline lies inside the lease
 *   doubt     an attempt whose outcome is unknown: until its deadline + D. After a takeover: every write of the first D;
 *             D + TIMEOUT if the row was given back in doubt, or was ours before a restart
 *   recheck   when the doubt is over: read the primary, then the replica; where they differ, write again
 *   clean     a row given back with nothing in doubt says so, and is no takeover
 * A checkpoint is passed only without doubt; it renews the lease too.
 *
 * Time is a clock that ticks when it likes, up to END; a worker may stand still as long as it likes at every step but one:
 * that a write may be issued is looked up and the write is issued at the same tick (the last third of the lease is there
 * for what lies between). Faults: LATE outcomes that stay unknown (the write lands until deadline + D, or never), CRASHES,
 * RETURNS of the lease by a living owner.
 *
 * Switches, each of which takes a rule away:
 *   TRUST_ALL   a takeover puts nothing in doubt         TRUST_FREE  a row without owner counts as clean
 *   SHORT       after every takeover only D              NO_DOUBT    an unknown outcome is retried and forgotten
 *   EARLY_CHECK rechecked before the doubt is over       EARLY_CKPT  the checkpoint does not wait for the recheck
 *   NO_LIMIT    issued whatever the clock says           UNCLIPPED   the deadline may lie behind the lease
 *   SAME_NAME   two living workers with one name         LATER       a write may land later than D after its deadline
 */
#ifndef N
#define N 2
#endif
#define LEASE 3
#ifndef ISSUE
#define ISSUE 2
#endif
#ifndef TIMEOUT
#define TIMEOUT 1
#endif
#define D 2
#ifndef END
#define END 6
#endif
#ifndef CRASHES
#define CRASHES 0
#endif
#ifndef RETURNS
#define RETURNS 0
#endif
#ifndef LATE
#define LATE 1
#endif
#define NOBODY 9

byte now, P, head, R, ckpt, owner = NOBODY, renewed, crashes, returns, lates, live;
bool clean = true, converged = true;
bool flying; byte flying_v, flying_until;          /* the write whose outcome nobody knows */

proctype Clock() {
  end: do
#ifdef LATER
  :: atomic { now < END -> now++ }
#else
  :: atomic { now < END && (!flying || now + 1 < flying_until) -> now++ }
#endif
  od
}
proctype Net() {
  end: do
  :: atomic { flying -> R = flying_v; flying = false; flying_v = 0; flying_until = 0 }
  :: atomic { flying -> flying = false; flying_v = 0; flying_until = 0 }
  od
}
proctype Primary() {
  do
  :: d_step { head < N -> P++; head++ }
  :: head == N -> break
  od
}

#ifdef SAME_NAME
#define OURS (owner != NOBODY)
#else
#define OURS (owner == me)
#endif
#if defined(TRUST_ALL)
#define TAKEOVER 0
#elif defined(TRUST_FREE)
#define TAKEOVER (clean || owner == NOBODY -> 0 : (OURS -> D + TIMEOUT : D))
#elif defined(SHORT)
#define TAKEOVER (clean -> 0 : D)
#else
#define TAKEOVER (clean -> 0 : (owner == NOBODY || OURS -> D + TIMEOUT : D))
#endif
#ifdef NO_LIMIT
#define MAY_ISSUE true
#else
#define MAY_ISSUE (now < hold + ISSUE)
#endif
#if defined(NO_LIMIT) || defined(UNCLIPPED)
#define DEADLINE (now + TIMEOUT)
#else
#define DEADLINE (now + TIMEOUT < hold + LEASE -> now + TIMEOUT : hold + LEASE)
#endif
#ifdef EARLY_CHECK
#define DOUBT_OVER true
#else
#define DOUBT_OVER (now >= doubt)
#endif
#ifdef LATER
#define CAN_STILL_LAND true
#else
#define CAN_STILL_LAND (now < deadline + D)
#endif
#ifdef EARLY_CKPT
#define FINISHED true
#else
#define FINISHED (doubt == 0)
#endif
#define HELD (owner == me && now < hold + LEASE)
#define RAISE_DOUBT(t) if :: doubt < (t) -> doubt = (t) :: else fi

/* hold: when the lease was renewed; s: records done, or held by doubt; h: what the turn covers; until: doubt by takeover */
proctype Worker(byte me) {
  byte hold, s, h, r, doubt, until, issued, deadline;
again:
  atomic {
    if
    :: ckpt < N && (owner == NOBODY || OURS || now >= renewed + LEASE) ->
       until = TAKEOVER; if :: until > 0 -> until = until + now :: else fi;
       owner = me; renewed = now; hold = now; clean = false; s = ckpt
    :: now == END || (head == N && ckpt == N) -> goto done
    fi
  }
idle:
  atomic {
    h = 0; r = 0; issued = 0; deadline = 0;
    if :: until <= now -> until = 0 :: else fi;
    if
    :: s < head && MAY_ISSUE -> h = s + 1; r = P; goto write
    :: s > ckpt && doubt > 0 && DOUBT_OVER && MAY_ISSUE -> r = P; goto check
    :: s > ckpt && HELD && FINISHED -> ckpt = s; renewed = now; hold = now; goto idle
    :: HELD && now > hold -> renewed = now; hold = now; goto idle
    :: HELD && returns < RETURNS -> returns++;
       if :: FINISHED -> ckpt = s :: else fi;
       owner = NOBODY; renewed = 0; clean = (doubt == 0 && until == 0); goto lost
    :: crashes < CRASHES -> crashes++; goto lost
    :: !HELD -> goto lost
    :: now == END || (head == N && ckpt == N) -> goto lost
    fi
  }
write:
  atomic { if :: MAY_ISSUE -> issued = now; deadline = DEADLINE :: !MAY_ISSUE -> goto idle fi };
  if
  :: atomic { now <= deadline -> R = r;
       if :: doubt > 0 && doubt <= issued -> doubt = 0 :: else fi;
       if :: issued < until -> RAISE_DOUBT(until); RAISE_DOUBT(issued + D) :: else fi;
       if :: h > s -> s = h :: else fi;
       goto idle }
  :: atomic { lates < LATE && !flying && CAN_STILL_LAND ->
       lates++; flying = true; flying_v = r; flying_until = deadline + D;
#ifndef NO_DOUBT
       RAISE_DOUBT(deadline + D);
#endif
       goto idle }
  :: atomic { now > deadline -> RAISE_DOUBT(deadline + D); goto idle }     /* unknown too, but it never lands */
  :: atomic { crashes < CRASHES -> crashes++; goto lost }
  fi;
check:
  if
  :: atomic { R == r -> doubt = 0; goto idle }
  :: atomic { R != r -> goto write }
  fi;
lost:
  atomic { hold = 0; s = 0; h = 0; r = 0; doubt = 0; until = 0; issued = 0; deadline = 0; goto again };
done:
  live--
}

init {
  atomic { run Clock(); run Net(); run Primary(); live = 2; run Worker(0); run Worker(1) }
  (head == N && live == 0 && !flying);
  if
  :: ckpt == N -> converged = (R == P); assert(converged)
  :: else
  fi
}
