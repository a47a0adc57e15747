/* One key whose records lie on two shards (a producer that places records by the text of the key), each shard with a
 * healthy owner: nothing is late, no lease is lost to the living. Change i goes to shard 0 or 1, either way.
 *
 *   refresh   read the primary, write the replica; a refresh covers all records of the key that have arrived
 *   verify    read the primary again; if it has changed, refresh again; only then may the checkpoint pass
 *   handover  where a newer record of the key has arrived, the duty to verify passes to its refresh
 *
 * A crash forgets everything since the checkpoint. ONE_OWNER: a process owns both shards until it dies, then each has an
 * owner of its own: the duty may have passed to a record of the other shard.
 *
 * Switches: VERIFY, HANDOVER as above; NO_LAST: whoever took the duty over does not verify; CRASHES=n; ONE_OWNER.
 */
#ifndef N
#define N 3
#endif
#ifndef CRASHES
#define CRASHES 0
#endif
byte P, R, made, head[2], ckpt[2], crashes, live;
bool together, converged = true;      /* together: one process owns both shards */

proctype Primary() {
  do
  :: atomic { made < N -> made++; P++; if :: head[0]++ :: head[1]++ fi }
  :: made == N -> break
  od
}
#define ALL (made == N && (!mine[0] || ckpt[0] == head[0]) && (!mine[1] || ckpt[1] == head[1]))
#define DIE crashes < CRASHES -> crashes++; goto dies

/* s: what is done; h: what the refresh covers; mine: the shards that it owns. */
proctype Owner(byte me) {
  byte s[2], h[2], r; bool mine[2], passed;
#ifdef ONE_OWNER
  atomic { if :: me == 0 -> mine[0] = true; mine[1] = true :: else -> !together; mine[1] = true; s[1] = ckpt[1]; h[1] = s[1] fi };
#else
  atomic { mine[me] = true };
#endif
idle:
  atomic {
    if
    :: (mine[0] && s[0] < head[0]) || (mine[1] && s[1] < head[1]) ->
       if :: mine[0] && s[0] < head[0] -> h[0] = s[0] + 1; if :: h[0] = head[0] :: skip fi :: else fi;
       if :: mine[1] && s[1] < head[1] -> h[1] = s[1] + 1; if :: h[1] = head[1] :: skip fi :: else fi
    :: mine[0] && ckpt[0] < s[0] -> ckpt[0] = s[0]; goto idle
    :: mine[1] && ckpt[1] < s[1] -> ckpt[1] = s[1]; goto idle
    :: ALL -> goto done
    :: DIE
    fi
  }
read:
  if :: atomic { r = P } :: atomic { DIE } fi;
  if :: atomic { R = r } :: atomic { DIE } fi;
#ifdef HANDOVER
  if
  :: atomic { (mine[0] && h[0] < head[0]) || (mine[1] && h[1] < head[1]) -> passed = true; goto pass }
  :: atomic { skip }                                         /* it need not have arrived yet */
  fi;
#endif
#ifdef VERIFY
#ifdef NO_LAST
  if :: atomic { passed -> passed = false; goto pass } :: atomic { !passed } fi;
#endif
  if
  :: atomic { P == r }
  :: atomic { P != r -> goto read }
  :: atomic { DIE }
  fi;
#endif
pass:
  atomic { s[0] = h[0]; s[1] = h[1]; r = 0; goto idle };
dies:
  atomic {
#ifdef ONE_OWNER
    if :: me == 0 -> together = false; mine[1] = false; s[1] = 0; h[1] = 0 :: else fi;
#endif
    r = 0; passed = false;
    s[0] = (mine[0] -> ckpt[0] : 0); h[0] = s[0]; s[1] = (mine[1] -> ckpt[1] : 0); h[1] = s[1];
    goto idle
  };
done:
#ifdef ONE_OWNER
  atomic { if :: me == 0 -> together = false :: else fi };
#endif
  live--
}

init {
  atomic {
#ifdef ONE_OWNER
    together = true;
#endif
    live = 2; run Primary(); run Owner(0); run Owner(1)
  }
  (made == N && live == 0);
  atomic { converged = (R == P); assert(converged) }
}
