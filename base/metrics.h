/* metrics.h - reports as OpenMetrics text, which Prometheus and its kin read */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <json-c/json.h>
#include <stddef.h>
#include <stdio.h>

#define METRICS_TYPE \
	"application/openmetrics-text; version=1.0.0; charset=utf-8"

/*
 * Writes what daemons answered to "metrics" (report.h, REPORT_METRICS) as one
 * OpenMetrics 1.0 document; each sample has the label "daemon".  Borrowed.
 * What is not as it should be is left out, so that the document always is one.
 */
void	metrics_print(FILE *f, json_object *const *answers, size_t n);

#endif
