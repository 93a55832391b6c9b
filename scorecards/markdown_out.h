/* markdown_out.h — what the Markdown renderers share. Only scorecards/ includes this. */
#pragma once

#include <stdio.h>

/* Untrusted text in a table cell or a line: pipes, line ends, markup and angle brackets stay text. */
void markdown_put(const char *text, FILE *out);
