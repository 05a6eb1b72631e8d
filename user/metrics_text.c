/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "metrics_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FAMILIES 128u			/* there are not that many */

struct metrics_family {
	FILE *file;
	char *text;
	size_t bytes;
};

void metrics_text_begin(struct metrics_text *text, FILE *file, bool openmetrics, bool are_several)
{
	*text = (struct metrics_text){ .openmetrics = openmetrics, .mirror = "", .file = file,
				       .out = file };
	if (!are_several)
		return;
	text->families = calloc(FAMILIES, sizeof(*text->families));
	text->failed = !text->families;
}

void metrics_text_mirror(struct metrics_text *text, const char *mirror, size_t first)
{
	text->mirror = mirror;
	text->next = first;
}

int metrics_text_end(struct metrics_text *text)
{
	for (size_t i = 0; text->families && i < FAMILIES; i++) {
		struct metrics_family *family = &text->families[i];

		if (!family->file)
			continue;
		text->failed |= ferror(family->file) || fclose(family->file);
		if (!text->failed)
			fwrite(family->text, 1, family->bytes, text->file);
		free(family->text);
	}
	free(text->families);
	text->families = NULL;
	if (text->openmetrics)
		fputs("# EOF\n", text->file);
	return text->failed ? -ENOMEM : 0;
}

/* Whether the family is new: then its declaration is due. */
static bool choose_family(struct metrics_text *text)
{
	struct metrics_family *family;

	if (!text->families)
		return true;
	family = &text->families[text->next++ % FAMILIES];
	text->out = family->file;
	if (family->file)
		return false;
	family->file = open_memstream(&family->text, &family->bytes);
	text->failed |= !family->file;
	text->out = family->file ? family->file : text->file;
	return true;
}

void metrics_declare(struct metrics_text *text, const char *name, const char *type,
		     const char *help)
{
	int bytes = (int)strlen(name);

	if (!choose_family(text))
		return;
	if (text->openmetrics && !strcmp(type, "counter"))
		bytes -= (int)strlen("_total");
	fprintf(text->out, "# HELP %.*s %s\n# TYPE %.*s %s\n", bytes, name, help, bytes, name, type);
}

static void print_name(struct metrics_text *text, const char *name, const char *suffix,
		       const char *labels)
{
	const char *comma = text->mirror[0] && labels[0] ? "," : "";

	fprintf(text->out, "%s%s", name, suffix);
	if (text->mirror[0])
		fprintf(text->out, "{mirror=\"%s\"%s%s}", text->mirror, comma, labels);
	else if (labels[0])
		fprintf(text->out, "{%s}", labels);
}

void metrics_sample(struct metrics_text *text, const char *name, const char *labels, double number)
{
	print_name(text, name, "", labels);
	fprintf(text->out, " %.15g\n", number);
}

void metrics_bucket(struct metrics_text *text, const char *name, const char *bound, uint64_t count)
{
	char label[64];

	snprintf(label, sizeof(label), "le=\"%s\"", bound);
	print_name(text, name, "_bucket", label);
	fprintf(text->out, " %llu\n", (unsigned long long)count);
}

void metrics_sum(struct metrics_text *text, const char *name, double sum, uint64_t count)
{
	print_name(text, name, "_sum", "");
	fprintf(text->out, " %.9f\n", sum);
	print_name(text, name, "_count", "");
	fprintf(text->out, " %llu\n", (unsigned long long)count);
}
