/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * getaddrinfo_a(3): glibc asks in a thread of its own, which is looked at by a
 * timer. A question that cannot be cancelled goes on in the background; its
 * memory is glibc's until it ends, so it is kept on a list until then.
 */
#include "resolver.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

#define FIRST_LOOK_NS NS_PER_MS
#define LAST_LOOK_NS (100 * NS_PER_MS)

struct question {
	struct question *next;
	struct gaicb request;
	struct addrinfo hints;
	char name[256];
	char port[8];
};

struct resolver {
	void (*resolved)(void *context, struct addrinfo *addresses, const char *why);
	void *context;
	struct loop *loop;
	struct loop_timer look;
	struct question *current;
	struct question *abandoned;
	uint64_t deadline_ns;
	uint64_t interval_ns;
	int start_error;		/* EAI_*, to be reported from the loop */
};

static void free_question(struct question *question)
{
	if (question->request.ar_result)
		freeaddrinfo(question->request.ar_result);
	free(question);
}

static void free_finished(struct resolver *resolver)
{
	struct question **at = &resolver->abandoned;

	while (*at) {
		struct question *question = *at;

		if (gai_error(&question->request) == EAI_INPROGRESS) {
			at = &question->next;
			continue;
		}
		*at = question->next;
		free_question(question);
	}
}

void resolver_cancel(struct resolver *resolver)
{
	struct question *question = resolver->current;

	loop_timer_disarm(&resolver->look);
	resolver->current = NULL;
	if (!question)
		return;
	if (gai_cancel(&question->request) == EAI_NOTCANCELED) {
		question->next = resolver->abandoned;
		resolver->abandoned = question;
	} else {
		free_question(question);
	}
}

static void answer(struct resolver *resolver, struct addrinfo *addresses, const char *why)
{
	resolver_cancel(resolver);
	resolver->resolved(resolver->context, addresses, why);
}

static void look(void *context)
{
	struct resolver *resolver = context;
	struct question *question = resolver->current;
	int state = question ? gai_error(&question->request) : resolver->start_error;
	struct addrinfo *addresses;

	if (state == EAI_INPROGRESS && clock_now_ns() < resolver->deadline_ns) {
		loop_timer_arm(&resolver->look, resolver->interval_ns);
		if (resolver->interval_ns < LAST_LOOK_NS)
			resolver->interval_ns *= 2;
	} else if (state == EAI_INPROGRESS) {
		answer(resolver, NULL, "no name server answers in time");
	} else if (state) {
		answer(resolver, NULL, gai_strerror(state));
	} else {
		addresses = question->request.ar_result;
		question->request.ar_result = NULL;
		answer(resolver, addresses, NULL);
	}
}

struct resolver *resolver_new(struct loop *loop,
			      void (*resolved)(void *context, struct addrinfo *addresses,
					       const char *why),
			      void *context)
{
	struct resolver *resolver = calloc(1, sizeof(*resolver));

	if (!resolver)
		return NULL;
	resolver->loop = loop;
	resolver->resolved = resolved;
	resolver->context = context;
	loop_timer_init(loop, &resolver->look, look, resolver);
	return resolver;
}

void resolver_free(struct resolver *resolver)
{
	if (!resolver)
		return;
	resolver_cancel(resolver);
	loop_timer_remove(resolver->loop, &resolver->look);
	/* what glibc still works on stays with it: the process is about to end */
	free_finished(resolver);
	free(resolver);
}

void resolver_start(struct resolver *resolver, const char *name, uint16_t port,
		    uint32_t timeout_ms)
{
	struct question *question = calloc(1, sizeof(*question));
	struct gaicb *list[1];

	resolver_cancel(resolver);
	free_finished(resolver);
	resolver->start_error = EAI_MEMORY;
	resolver->interval_ns = FIRST_LOOK_NS;
	resolver->deadline_ns = clock_now_ns() + timeout_ms * NS_PER_MS;
	loop_timer_arm(&resolver->look, 0);
	if (!question)
		return;
	snprintf(question->name, sizeof(question->name), "%s", name);
	snprintf(question->port, sizeof(question->port), "%u", port);
	question->hints = (struct addrinfo){ .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM,
					     .ai_flags = AI_NUMERICSERV };
	question->request = (struct gaicb){ .ar_name = question->name,
					    .ar_service = question->port,
					    .ar_request = &question->hints };
	list[0] = &question->request;
	/* a number needs nobody to be asked, and no thread */
	question->hints.ai_flags |= AI_NUMERICHOST;
	resolver->start_error = getaddrinfo(name, question->port, &question->hints,
					    &question->request.ar_result);
	if (resolver->start_error == EAI_NONAME) {
		question->hints.ai_flags &= ~AI_NUMERICHOST;
		resolver->start_error = getaddrinfo_a(GAI_NOWAIT, list, 1, NULL);
	}
	if (resolver->start_error)
		free(question);
	else
		resolver->current = question;
}
