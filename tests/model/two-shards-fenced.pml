/* One key whose records lie on two shards, in fenced mode: each shard has two workers, shard 0 may be taken from a living
 * owner (TAKES), and one write may have no answer and land later. The fence of a shard is one number here: taking a lease
 * raises it, ending an ambiguous attempt bumps it (fenced.pml has the steps apart). Change i goes to shard i mod 2.
 *
 * Switches: VERIFY (the primary is read again after the write, until it holds still), CRASHES=n, MONO (assert that the
 * replica never goes back), NO_BUMP (an ambiguous attempt is repeated under the same pass).
 */
#ifndef N
#define N 3
#endif
#ifndef TAKES
#define TAKES 2
#endif
#ifndef CRASHES
#define CRASHES 0
#endif
#define NOBODY 9
byte P, R, shown, head[2], ckpt[2], fence[2], owner[2], made, takes, crashes, live;
bool flying, used; byte flying_v, flying_pass, flying_sh;
bool converged = true, forward = true;

inline put(version) {
  forward = (version >= shown);
#ifdef MONO
  assert(forward);
#endif
  if :: version > shown -> shown = version :: else fi;
  R = version
}
proctype Primary() { do :: d_step { made < N -> P++; head[P & 1]++; made++ } :: made == N -> break od }
proctype Net() {
  end: do
  :: d_step { flying -> if :: fence[flying_sh] == flying_pass -> put(flying_v) :: else fi;
              flying = false; flying_v = 0; flying_pass = 0; flying_sh = 0 }
  :: d_step { flying -> flying = false; flying_v = 0; flying_pass = 0; flying_sh = 0 }
  od
}
#define DIE crashes < CRASHES -> crashes++; if :: owner[sh] == me -> owner[sh] = NOBODY :: else fi; goto lost
#define ALL (made == N && ckpt[sh] == head[sh])

proctype Worker(byte me; byte sh) {
  byte r, s, my;
again:
  atomic {
    if
    :: owner[sh] != me && owner[sh] != NOBODY && sh == 0 && takes < TAKES && !ALL -> takes++
    :: (owner[sh] == NOBODY || owner[sh] == me) && !ALL -> skip
    :: ALL -> goto done
    fi;
    owner[sh] = me; fence[sh]++; my = fence[sh]; s = ckpt[sh]
  }
next:
  if
  :: atomic { s < head[sh] }
  :: atomic { ALL || owner[sh] != me -> goto lost }
  :: atomic { DIE }
  fi;
read:
  atomic { r = P };
  if
  :: atomic { fence[sh] == my -> put(r) }
  :: atomic { fence[sh] != my -> goto lost }
  :: atomic { !used -> used = true; flying = true; flying_v = r; flying_pass = my; flying_sh = sh };
#ifndef NO_BUMP
     atomic { if :: fence[sh] == my -> fence[sh]++; my++ :: else -> goto lost fi };
#endif
     goto read
  :: atomic { DIE }
  fi;
#ifdef VERIFY
  if
  :: atomic { P == r }
  :: atomic { P != r -> goto read }
  :: atomic { DIE }
  fi;
#endif
  atomic { if :: owner[sh] == me && fence[sh] == my -> s++; ckpt[sh] = s; r = 0; goto next :: else -> goto lost fi };
lost:
  atomic { r = 0; s = 0; my = 0; goto again };
done:
  live--
}

init {
  atomic {
    owner[0] = NOBODY; owner[1] = NOBODY; live = 4;
    run Primary(); run Net(); run Worker(0, 0); run Worker(1, 0); run Worker(2, 1); run Worker(3, 1)
  }
  (made == N && live == 0 && !flying);
  atomic { converged = (R == P); assert(converged) }
}
