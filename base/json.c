/* json.c - members of a JSON object that may be missing, or be something else */
#include "config.h"

#include "base/json.h"

json_object *
json_member(json_object *o, const char *key, enum json_type type)
{
	json_object *v;

	return json_object_is_type(o, json_type_object) &&
	    json_object_object_get_ex(o, key, &v) &&
	    json_object_is_type(v, type) ? v : NULL;
}

const char *
json_member_text(json_object *o, const char *key)
{
	json_object *v = json_member(o, key, json_type_string);

	return v == NULL ? NULL : json_object_get_string(v);
}
