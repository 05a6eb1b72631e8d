/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One change of a neighbour on its way to the ring: filter, suppress, publish.
 *
 * The `neighbours` map holds, in one word a neighbour (its claim), what was
 * last published. The rules that keep it true on many CPUs:
 *
 *   1. read the claim, then the neighbour's state: equal -> nothing to say;
 *   2. reserve a record, THEN compare-and-swap the claim to that state. Lost:
 *      throw the record away and start again. As the claim was read before the
 *      record was reserved, records of one neighbour lie on the ring in the
 *      order of their claims: the last one on the ring is the newest state;
 *   3. after the swap read the state again, and go round again if it changed:
 *      another CPU may have found its newer state equal to the claim that was
 *      just replaced, and have kept quiet. If it did not change, that is all:
 *      unless the daemon was removing values meanwhile (control->sweeps), in which
 *      case the swap may have hit one that is not in the map any more;
 *   4. whoever loses the swap twice may stop: the second winner read its
 *      claim, hence the state, after this hook began.
 *
 * A claim is only ever made for a record that was really reserved, so a full
 * ring cannot make a change look published. Claims of an earlier epoch
 * suppress nothing.
 */
#ifndef NEIGHTRACK_BPF_PUBLISH_H
#define NEIGHTRACK_BPF_PUBLISH_H

#define ROUNDS 4
#define LOST_SWAPS 2

/*
 * What a program works on. It lies in a map, a value a program and CPU, and not
 * on the stack: the verifier follows every value that a stack slot may have
 * through all that comes after, but takes memory of a map for unknown. That is
 * the difference between 100,000 steps of verification and 3,000.
 */
struct change {
	struct neigh_key key;
	struct neigh_state state;
	__u64 published_mac;	/* of the record that this run has submitted, as a word */
	__u64 seen_to;		/* the neighbour that this run has seen to; 0 while it runs */
	__u32 reason;		/* enum neigh_reason of `state` */
	__u32 published_reason;
	__u32 hook;		/* enum neigh_hook */
	__u32 instance;		/* slot of the neighbour's network namespace */
	__u32 epoch;
	__u32 sweeps;		/* control.sweeps before the claim was looked up */
	__u32 lost_swaps;
	__u32 was_valid;	/* the claim that this run replaced */
	__u32 fence;		/* nothing but the place of an atomic operation, which orders */
	__u32 runs;		/* a run on this CPU is at work on all this */
	bool published;		/* this run has submitted a record */
	bool deleted;		/* the neighbour itself goes away */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, NEIGH_HOOKS);
	__type(key, __u32);
	__type(value, struct change);
} changes SEC(".maps");

enum outcome {
	DONE,
	AGAIN,
};

/* The caller has just done an atomic operation, which orders its reservation
 * before this look at the flag; the daemon sets the flag and then looks at the
 * reservations (ring.c). So one of the two sees the other. */
static __always_inline __u64 wakeup_flags(struct neigh_control *control)
{
	if (READ_ONCE(control->consumer_sleeps) &&
	    __sync_lock_test_and_set(&control->consumer_sleeps, 0))
		return BPF_RB_FORCE_WAKEUP;
	return BPF_RB_NO_WAKEUP;
}

static __always_inline void submit(struct neigh_record *record, struct change *change,
				   struct neigh_control *control, struct neigh_counters *c)
{
	change->published_mac = change->state.mac_word;
	change->published_reason = change->reason;
	change->published = true;
	record->key = change->key;
	__builtin_memcpy(record->mac, change->state.mac, sizeof(record->mac));
	record->kind = change->reason == NEIGH_PUBLISH ? NEIGH_RECORD_SET : NEIGH_RECORD_GONE;
	record->hook = (__u8)change->hook;
	record->nud_state = change->state.nud_state;
	record->reserved = 0;
	record->ntf_flags = change->state.ntf_flags;
	bpf_ringbuf_submit(record, wakeup_flags(control));
	c->submitted++;
}

static __always_inline struct neigh_record *reserve(const struct change *change,
						    struct neigh_control *control,
						    struct neigh_counters *c)
{
	struct neigh_record *record = NULL;
	void *ring = bpf_map_lookup_elem(&records, &change->instance);

	if (ring)
		record = bpf_ringbuf_reserve(ring, sizeof(*record), 0);
	if (!record) {
		c->ring_full++;
		__sync_fetch_and_add(&control->lost, 1);
	}
	return record;
}

/* Reads the state anew, and judges it. */
static __always_inline void look(const struct neighbour *n, struct change *change,
				 const struct neigh_control *control)
{
	read_state(n, &change->state);
	change->reason = change->deleted ? NEIGH_ABSENT_STATE :
		neigh_policy_state(control->policy, change->state.nud_state,
				   change->state.ntf_flags, change->state.lladdr_bytes,
				   change->state.mac);
	/* from here on a MAC like any other, in claims and records */
	if (change->reason == NEIGH_PUBLISH_UNRESOLVED) {
		change->state.mac_word = 0;
		change->reason = NEIGH_PUBLISH;
	}
}

/* The map is full: publish without a claim. The record was reserved before this
 * last look, so that the ring's order is that of the states here too. */
static __always_inline void publish_unclaimed(const struct neighbour *n, struct change *change,
					      struct neigh_record *record,
					      struct neigh_control *control,
					      struct neigh_counters *c)
{
	look(n, change, control);
	record->time_ns = bpf_ktime_get_ns();
	if (change->state.dead && !change->deleted) {
		bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
		c->discarded++;
		return;
	}
	/* from now on a neighbour without a claim may be published: also orders
	 * the reservation before the look at consumer_sleeps */
	__sync_fetch_and_add(&control->claims_incomplete, 1);
	submit(record, change, control, c);
}

static __always_inline bool claim_equals(const struct neigh_value *value, __u64 word,
					 const struct change *change)
{
	struct neigh_claim claim;

	if (value->epoch != change->epoch)
		return false;
	__builtin_memcpy(&claim, &word, sizeof(claim));
	if (!(claim.stamp & NEIGH_CLAIM_VALID))
		return change->reason != NEIGH_PUBLISH;
	if (change->reason != NEIGH_PUBLISH)
		return false;
	claim.stamp = 0;
	__builtin_memcpy(&word, &claim, sizeof(word));
	return word == change->state.mac_word;
}

static __always_inline __u64 next_claim(__u64 word, const struct change *change)
{
	struct neigh_claim claim;
	__u16 stamp;

	__builtin_memcpy(&claim, &word, sizeof(claim));
	stamp = (__u16)(claim.stamp + 1) & (__u16)~NEIGH_CLAIM_VALID;
	word = 0;
	__builtin_memcpy(&claim, &word, sizeof(claim));
	if (change->reason == NEIGH_PUBLISH) {
		__builtin_memcpy(claim.mac, change->state.mac, sizeof(claim.mac));
		stamp |= NEIGH_CLAIM_VALID;
	}
	claim.stamp = stamp;
	__builtin_memcpy(&word, &claim, sizeof(word));
	return word;
}

static __always_inline void note_publication(struct neigh_value *value, __u64 old, __u64 now_ns,
					     const struct change *change)
{
	struct neigh_claim claim;

	__builtin_memcpy(&claim, &old, sizeof(claim));
	value->epoch = change->epoch;
	value->last_change_ns = now_ns;
	value->nud_state = change->state.nud_state;
	value->changes++;
	if (!(claim.stamp & NEIGH_CLAIM_VALID) || change->reason != NEIGH_PUBLISH)
		return;
	claim.stamp = 0;
	__builtin_memcpy(&old, &claim, sizeof(old));
	if (old != change->state.mac_word)
		value->mac_moves++;
}

static __always_inline void count_suppressed(const struct change *change, struct neigh_counters *c)
{
	__u32 reason = change->reason;

	if (change->published)
		return;		/* the last look of a run that was counted as submitted */
	if (change->deleted || reason == NEIGH_PUBLISH || reason >= NEIGH_REASONS)
		c->suppressed++;
	else
		c->filtered[reason]++;
}

/* Whether a neighbour without a value may have been published all the same. */
static __always_inline bool may_be_published(const struct neigh_control *control)
{
	return READ_ONCE(control->keep_tombstones) || READ_ONCE(control->claims_incomplete);
}

static __always_inline enum outcome lose_swap(struct change *change, struct neigh_record *record,
					      struct neigh_counters *c)
{
	bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
	c->superseded++;
	/* a deletion is never another hook's to publish: it tries on */
	if (++change->lost_swaps >= LOST_SWAPS && !change->deleted)
		return DONE;
	/* after a publication the next round counts itself, if it has to act */
	if (!change->published)
		c->rechecked++;
	return AGAIN;
}

/*
 * A neighbour without a value: the value is made with its claim, which is one
 * step, as a swap is; so the record is reserved before it here too. The stamp
 * starts anywhere, so that a swap by a CPU which still holds a removed value of
 * another neighbour cannot succeed.
 */
static __always_inline long make_claim(const struct change *change, __u64 now_ns)
{
	struct neigh_value value = {
		.published_word = next_claim(0, change),
		.first_seen_ns = now_ns,
		.last_change_ns = now_ns,
		.epoch = change->epoch,
		.changes = 1,
		.nud_state = change->state.nud_state,
	};

	value.published.stamp ^= (__u16)now_ns & (__u16)~NEIGH_CLAIM_VALID;
	return bpf_map_update_elem(&neighbours, &change->key, &value, BPF_NOEXIST);
}

#define EEXIST 17

/* There is no value: either nothing is to be said, or one must be made. */
static __always_inline enum outcome begin_claim(const struct neighbour *n, struct change *change,
						struct neigh_control *control,
						struct neigh_counters *c)
{
	struct neigh_record *record;
	long error;

	if (change->reason != NEIGH_PUBLISH && !may_be_published(control)) {
		/* The daemon may have seeded the value and ended its snapshot since we
		 * looked: with the flag read as 0, in this order, a look is final. */
		__sync_fetch_and_add(&change->fence, 1);
		if (bpf_map_lookup_elem(&neighbours, &change->key))
			return AGAIN;
		count_suppressed(change, c);
		return DONE;
	}
	if (change->published)
		c->rechecked++;
	record = reserve(change, control, c);
	if (!record)
		return DONE;
	record->time_ns = bpf_ktime_get_ns();
	error = make_claim(change, record->time_ns);
	if (error == -EEXIST)
		return lose_swap(change, record, c);
	if (error) {
		c->map_full++;
		publish_unclaimed(n, change, record, control, c);
		return DONE;
	}
	change->was_valid = 0;
	/* orders the claim before the look at consumer_sleeps, and at control.sweeps */
	__sync_fetch_and_add(&change->fence, 1);
	submit(record, change, control, c);
	return AGAIN;
}

static __always_inline enum outcome publish_claimed(struct neigh_value *value, __u64 word,
						    struct change *change,
						    struct neigh_control *control,
						    struct neigh_counters *c)
{
	__u64 claimed = next_claim(word, change);
	struct neigh_record *record = reserve(change, control, c);
	struct neigh_claim old;

	if (!record)
		return DONE;
	/* before the swap: whoever swaps after this one has the later time too, so
	 * that a dump cannot lie between the two in the wrong order */
	record->time_ns = bpf_ktime_get_ns();
	if (__sync_val_compare_and_swap(&value->published_word, word, claimed) != word)
		return lose_swap(change, record, c);
	__builtin_memcpy(&old, &word, sizeof(old));
	change->was_valid = old.stamp & NEIGH_CLAIM_VALID;
	note_publication(value, word, record->time_ns, change);
	submit(record, change, control, c);
	return AGAIN;
}

/* Dead: its deletion is published by the cleanup hook, and its key may belong
 * to a new neighbour by now. */
static __always_inline void leave_dead(const struct change *change, struct neigh_control *control,
				       struct neigh_counters *c)
{
	if (!change->published)
		c->discarded++;
	else if (!change->was_valid)
		/* it died while it was published, where nothing had been before: the
		 * cleanup hook may have seen that, and have kept quiet */
		__sync_fetch_and_add(&control->lost, 1);
}

/* After a publication: the neighbour is still as it was published, and the value
 * with the claim was in the map all the time. */
static __always_inline bool is_as_published(const struct neighbour *n, struct change *change,
					    const struct neigh_control *control)
{
	look(n, change, control);
	if ((change->state.dead && !change->deleted) || change->state.torn)
		return false;
	if (change->sweeps & 1 || READ_ONCE(control->sweeps) != change->sweeps)
		return false;
	return change->reason == change->published_reason &&
	       (change->reason != NEIGH_PUBLISH ||
		change->state.mac_word == change->published_mac);
}

static __always_inline enum outcome publish_round(const struct neighbour *n, struct change *change,
						  struct neigh_control *control,
						  struct neigh_counters *c)
{
	struct neigh_value *value;
	__u64 word = 0;

	if (change->published && is_as_published(n, change, control))
		return DONE;
	change->sweeps = READ_ONCE(control->sweeps);
	barrier();
	change->epoch = READ_ONCE(control->epoch);
	value = bpf_map_lookup_elem(&neighbours, &change->key);
	if (value)
		word = READ_ONCE(value->published_word);
	barrier();
	look(n, change, control);
	if (change->state.dead && !change->deleted) {
		leave_dead(change, control, c);
		return DONE;
	}
	if (change->state.torn)
		return AGAIN;
	if (!value)
		return begin_claim(n, change, control, c);
	if (!(identity.without & NEIGH_WITHOUT_SUPPRESSION) && claim_equals(value, word, change)) {
		count_suppressed(change, c);
		return DONE;
	}
	if (change->published)
		c->rechecked++;
	return publish_claimed(value, word, change, control, c);
}

/* instance, ifindex: the neighbour's, as the verifier knows them. */
static __always_inline __u32 interface_flags(__u32 instance, __u32 ifindex)
{
	const struct neigh_interface *interface;
	struct neigh_interface_key key = { ifindex, instance };

	if (ifindex < NEIGH_LOW_INTERFACES) {
		__u32 flags = READ_ONCE(low_interfaces[instance].flags[ifindex]);

		return flags & NEIGH_INTERFACE_KNOWN ? flags : NEIGH_INTERFACE_UNKNOWN;
	}
	interface = bpf_map_lookup_elem(&interfaces, &key);
	return interface ? interface->flags : NEIGH_INTERFACE_UNKNOWN;
}

/* One run. */
static __always_inline void see_to(const struct neighbour *n, __u32 instance,
				   struct change *change, struct neigh_counters *c)
{
	struct neigh_control *control = &controls.of[instance];
	__u32 reason;

	if (!read_key(n, instance, &change->key)) {
		c->filtered[NEIGH_IGNORE_FAMILY]++;
		return;
	}
	change->reason = neigh_policy_key(control->policy,
					  interface_flags(instance, change->key.ifindex),
					  &change->key);
	reason = change->reason;
	if (reason != NEIGH_PUBLISH && !(identity.without & NEIGH_WITHOUT_FILTER)) {
		if (reason < NEIGH_REASONS)
			c->filtered[reason]++;
		/* what was claimed while it was not filtered goes with it all the same */
		goto out;
	}

	for (int round = 0; round < ROUNDS; round++) {
		if (publish_round(n, change, control, c) == DONE)
			goto out;
	}
	/* it changed faster than it could be read: let a resync tell */
	if (!change->published)
		c->discarded++;
	__sync_fetch_and_add(&control->lost, 1);
out:
	/*
	 * The new neighbour of this key, if any, is created after this hook, as
	 * both hold the table's lock. While a snapshot is merged the value stays,
	 * so that a claim made from the dump cannot outlive the neighbour.
	 */
	if (change->deleted && !READ_ONCE(control->keep_tombstones))
		bpf_map_delete_elem(&neighbours, &change->key);
}

/*
 * The second copy of a program runs right behind the first, on the same CPU (as
 * it was attached after it), and has nothing to do if that one was not skipped.
 * The first takes its mark away before it begins, so what interrupts it is seen
 * to by the second copy. A mark that stays behind (as the second copy was itself
 * skipped) can only mislead in a run that the first copy missed: each has a miss
 * then, and the smaller number of misses starts a resync.
 */
static __always_inline bool is_seen_to(const struct neighbour *n)
{
	__u32 first = NEIGH_HOOK_UPDATE;
	struct change *change = bpf_map_lookup_elem(&changes, &first);

	if (!change || change->seen_to != (__u64)n)
		return false;
	change->seen_to = 0;
	return true;
}

/*
 * Kernels before 6.1 run a tracepoint's program inside itself, when a softirq brings up
 * what it works on; later ones skip it then, and count that. So does this, before what
 * the interrupted run has written is spoilt. What the first copy leaves out the second
 * one sees.
 */
static __always_inline bool is_reentered(const struct change *change, __u32 hook)
{
	if (!READ_ONCE(change->runs))
		return false;
	if (hook != NEIGH_HOOK_UPDATE)
		__sync_fetch_and_add(&controls.lost, 1);
	return true;
}

/* The slot of the neighbour's network namespace, NEIGH_INSTANCES if it has none. The
 * verifier knows the number of slots, and leaves nothing of the loop for one of them. */
static __always_inline __u32 find_instance(const struct neighbour *n)
{
	__u32 inum = read_netns_inum(n);

	for (__u32 slot = 0; slot < NEIGH_INSTANCES && slot < identity.instances; slot++)
		if (READ_ONCE(controls.of[slot].netns_inum) == inum)
			return slot;
	return NEIGH_INSTANCES;
}

static __always_inline int handle_neighbour(const struct neighbour *n, __u32 hook)
{
	struct neigh_counters *c;
	struct change *change;
	__u32 instance, row;

	if (hook == NEIGH_HOOK_UPDATE_AGAIN && is_seen_to(n))
		return 0;
	instance = find_instance(n);
	/* what is of no slot is counted with the first */
	row = (instance & (NEIGH_INSTANCES - 1)) * NEIGH_HOOKS + hook;
	c = bpf_map_lookup_elem(&counters, &row);
	change = bpf_map_lookup_elem(&changes, &hook);
	if (!c || !change || is_reentered(change, hook))
		return 0;
	change->runs = 1;
	barrier();
	c->seen++;
	if (hook == NEIGH_HOOK_CLEANUP)
		__sync_fetch_and_add(&controls.deletions, 1);
	change->seen_to = 0;
	barrier();
	if (instance < NEIGH_INSTANCES) {
		/* the rest is written before it is read */
		change->hook = hook;
		change->instance = instance;
		/* read back, it is any number to the verifier, which would else follow all
		 * that comes for each slot anew */
		if (identity.instances > 1) {
			barrier();
			instance = READ_ONCE(change->instance) & (NEIGH_INSTANCES - 1);
		}
		change->deleted = hook == NEIGH_HOOK_CLEANUP;
		change->published = false;
		change->lost_swaps = 0;
		change->was_valid = 0;
		see_to(n, instance, change, c);
	} else {
		c->other_netns++;
	}
	barrier();
	change->seen_to = (__u64)n;
	change->runs = 0;
	return 0;
}

#endif
