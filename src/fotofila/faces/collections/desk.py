"""The desk: everything that can be done with collections, for routes, for the wire, and for whoever else is above.

Every function is a whole operation: it takes the parts of the process and the workspace first, opens its own
transactions, does image work outside of them, and writes the audit entry in the transaction of what it did.
"""

from __future__ import annotations

from fotofila.faces.collections.associate import associate_faces, disassociate_faces
from fotofila.faces.collections.browse import delete_faces, get_chip, get_face, list_faces
from fotofila.faces.collections.index import index_faces
from fotofila.faces.collections.look import compare_faces, detect_faces
from fotofila.faces.collections.manage import (
    create_collection,
    delete_collection,
    describe_collection,
    list_collections,
    tag_collection,
    untag_collection,
    update_collection,
)
from fotofila.faces.collections.search import search_all_faces, search_faces, search_faces_by_image
from fotofila.faces.collections.search_users import search_users, search_users_by_image
from fotofila.faces.collections.users import create_user, delete_user, get_user, list_users

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
