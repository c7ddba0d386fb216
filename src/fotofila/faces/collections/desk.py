"""The desk: everything that can be done with collections, for routes, for the wire, and for whoever else is above.

Every function is a whole operation: it takes the parts of the process and the workspace first, opens its own
transactions, does image work outside of them, and writes the audit entry in the transaction of what it did.

What needs vectors is handed over to the engine where that keeps collections itself (`kept/`). The rest is the same with
either; what deletes looks by itself whether an engine keeps the collection.
"""

from __future__ import annotations

from fotofila.faces.collections import associate, index, look, manage, search
from fotofila.faces.collections import search_users as users_alike
from fotofila.faces.collections.associate import disassociate_faces
from fotofila.faces.collections.browse import delete_faces, get_chip, get_face, list_faces
from fotofila.faces.collections.kept import index as kept_index
from fotofila.faces.collections.kept import look as kept_look
from fotofila.faces.collections.kept import manage as kept_manage
from fotofila.faces.collections.kept import search as kept_search
from fotofila.faces.collections.kept import users as kept_users
from fotofila.faces.collections.kept.hand_over import handed_over
from fotofila.faces.collections.look import detect_faces
from fotofila.faces.collections.manage import (
    delete_collection,
    describe_collection,
    list_collections,
    tag_collection,
    untag_collection,
    update_collection,
)
from fotofila.faces.collections.users import create_user, delete_user, get_user, list_users

create_collection = handed_over(manage.create_collection, kept_manage.create_collection)
index_faces = handed_over(index.index_faces, kept_index.index_faces)
search_faces = handed_over(search.search_faces, kept_search.search_faces)
search_faces_by_image = handed_over(search.search_faces_by_image, kept_search.search_faces_by_image)
search_all_faces = handed_over(search.search_all_faces, kept_search.search_all_faces)
compare_faces = handed_over(look.compare_faces, kept_look.compare_faces)
associate_faces = handed_over(associate.associate_faces, kept_users.associate_faces)
search_users = handed_over(users_alike.search_users, kept_users.search_users)
search_users_by_image = handed_over(users_alike.search_users_by_image, kept_users.search_users_by_image)

__all__ = [
    "associate_faces",
    "compare_faces",
    "create_collection",
    "create_user",
    "delete_collection",
    "delete_faces",
    "delete_user",
    "describe_collection",
    "detect_faces",
    "disassociate_faces",
    "get_chip",
    "get_face",
    "get_user",
    "index_faces",
    "list_collections",
    "list_faces",
    "list_users",
    "search_all_faces",
    "search_faces",
    "search_faces_by_image",
    "search_users",
    "search_users_by_image",
    "tag_collection",
    "untag_collection",
    "update_collection",
]
