/* json.h - members of a JSON object that may be missing, or be something else */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <json-c/json.h>

/* The member of that type; NULL: o has none, or is no object. It is o's. */
json_object *json_member(json_object *o, const char *key, enum json_type type);
/* A text, or NULL. */
const char *json_member_text(json_object *o, const char *key);

#endif
