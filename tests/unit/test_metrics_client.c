/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tool reads out of the daemon's metrics. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "metrics_client.h"

static const char text[] =
	"# HELP lag_seconds Age of it.\n# TYPE lag_seconds gauge\nlag_seconds 0.25\n"
	"lost_total{cause=\"ring_full\"} 3\nlost_total{cause=\"doubt\"} 4\n"
	"lost_total_more 100\n"
	"neighbours{interface=\"a} 9\",family=\"ipv4\"} 5\n"
	"neighbours{interface=\"a\\\"} 9\",family=\"ipv6\"} 6\n"
	"big_total 1e+06";

static void a_value_is_that_of_its_name_alone(void **state)
{
	double value;

	(void)state;
	assert_true(metrics_value(text, "lag_seconds", "", &value));
	assert_true(value == 0.25);
	assert_true(metrics_value(text, "big_total", "", &value));
	assert_true(value == 1e6);
	assert_false(metrics_value(text, "lag", "", &value));
	assert_false(metrics_value("", "lag_seconds", "", &value));
}

static void samples_of_other_mirrors_are_taken_out(void **state)
{
	char several[] = "up 1\nlag{mirror=\"asic0\"} 2\nlag{mirror=\"asic1\"} 3\n"
			 "lag{interface=\"mirror=\\\"asic1\",mirror=\"asic0\"} 4";

	(void)state;
	metrics_keep_mirror(several, "asic0");
	assert_string_equal(several, "up 1\nlag{mirror=\"asic0\"} 2\n"
			    "lag{interface=\"mirror=\\\"asic1\",mirror=\"asic0\"} 4");
	metrics_keep_mirror(several, "asic");
	assert_string_equal(several, "up 1\n");
}

static void samples_are_added_up_or_chosen_by_a_label(void **state)
{
	double value;

	(void)state;
	assert_true(metrics_value(text, "lost_total", "", &value));
	assert_true(value == 7);
	assert_true(metrics_value(text, "lost_total", "cause=\"doubt\"", &value));
	assert_true(value == 4);
	assert_false(metrics_value(text, "lost_total", "cause=\"other\"", &value));
}

static void a_brace_in_an_interfaces_name_ends_nothing(void **state)
{
	double value;

	(void)state;
	assert_true(metrics_value(text, "neighbours", "", &value));
	assert_true(value == 11);
}

static void a_body_is_that_of_an_answer_of_200(void **state)
{
	static const struct {
		const char *response, *body;
	} cases[] = {
		{ "HTTP/1.0 200 OK\r\nA: b\r\n\r\nbody", "body" },
		{ "HTTP/1.1 200 OK\r\n\r\n", "" },
		{ "HTTP/1.1 503 Service Unavailable\r\n\r\nwhy", NULL },
		{ "HTTP/1.1 200 OK\r\nA: b\r\n", NULL },
		{ "HTTP/1.", NULL },
		{ "HTTP/1.\r\n\r\n", NULL },
		{ "+PONG\r\n\r\n", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char response[80];
		const char *body;

		snprintf(response, sizeof(response), "%s", cases[i].response);
		body = metrics_body(response);
		assert_int_equal(body != NULL, cases[i].body != NULL);
		if (body)
			assert_string_equal(body, cases[i].body);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_is_that_of_its_name_alone),
		cmocka_unit_test(samples_of_other_mirrors_are_taken_out),
		cmocka_unit_test(samples_are_added_up_or_chosen_by_a_label),
		cmocka_unit_test(a_brace_in_an_interfaces_name_ends_nothing),
		cmocka_unit_test(a_body_is_that_of_an_answer_of_200),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
