"""What the operations take: facts of AWS's published service model, written as shapes; a test compares the two."""

from __future__ import annotations

from fotofila.rekognition.shapes import Blob, Listed, Mapped, Number, Structure, Text

UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
MAX_IMAGE_BYTES = 5 * 1024 * 1024
MAX_OBJECT_BYTES = 15 * 1024 * 1024

COLLECTION = Text(shortest=1, longest=255, pattern=r"[a-zA-Z0-9_.\-]+")
USER = Text(shortest=1, longest=128, pattern=r"[a-zA-Z0-9_.\-:]+")
EXTERNAL_IMAGE = Text(shortest=1, longest=255, pattern=r"[a-zA-Z0-9_.\-:]+")
FACE = Text(pattern=UUID)
FACES = Listed(member=FACE, shortest=1, longest=4096)
FACES_OF_USER = Listed(member=FACE, shortest=1, longest=100)
CLIENT_TOKEN = Text(shortest=1, longest=64, pattern="^[a-zA-Z0-9-_]+$")
PAGE_TOKEN = Text(longest=255)
PAGE_SIZE = Number(whole=True, least=0, most=4096)
MOST_USERS = Number(whole=True, least=1, most=500)
MOST_FACES = Number(whole=True, least=1, most=4096)
MOST_INDEXED = Number(whole=True, least=1)
PERCENT = Number(whole=False, least=0, most=100)
QUALITY = Text(values=("NONE", "AUTO", "LOW", "MEDIUM", "HIGH"))
ATTRIBUTES = Listed(
    member=Text(
        values=(
            "DEFAULT",
            "ALL",
            "AGE_RANGE",
            "BEARD",
            "EMOTIONS",
            "EYE_DIRECTION",
            "EYEGLASSES",
            "EYES_OPEN",
            "GENDER",
            "MOUTH_OPEN",
            "MUSTACHE",
            "FACE_OCCLUDED",
            "SMILE",
            "SUNGLASSES",
        )
    )
)
S3_OBJECT = Structure(
    members={
        "Bucket": Text(shortest=3, longest=255, pattern=r"[0-9A-Za-z\.\-_]*"),
        "Name": Text(shortest=1, longest=1024),
        "Version": Text(shortest=1, longest=1024),
    }
)
IMAGE = Structure(members={"Bytes": Blob(shortest=1, longest=MAX_IMAGE_BYTES), "S3Object": S3_OBJECT})
RESOURCE = Text(shortest=20, longest=2048)
TAG_KEY = Text(shortest=1, longest=128, pattern=r"^(?!aws:)[\p{L}\p{Z}\p{N}_.:/=+\-@]*$")
TAG_VALUE = Text(shortest=0, longest=256, pattern=r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$")
TAGS = Mapped(key=TAG_KEY, value=TAG_VALUE, shortest=0, longest=200)
TAG_KEYS = Listed(member=TAG_KEY, shortest=0, longest=200)

NAMED = Structure(members={"CollectionId": COLLECTION}, required=("CollectionId",))
OF_USER = Structure(
    members={"CollectionId": COLLECTION, "UserId": USER, "ClientRequestToken": CLIENT_TOKEN},
    required=("CollectionId", "UserId"),
)

INPUTS = {
    "AssociateFaces": Structure(
        members={
            "CollectionId": COLLECTION,
            "UserId": USER,
            "FaceIds": FACES_OF_USER,
            "UserMatchThreshold": PERCENT,
            "ClientRequestToken": CLIENT_TOKEN,
        },
        required=("CollectionId", "UserId", "FaceIds"),
    ),
    "CompareFaces": Structure(
        members={
            "SourceImage": IMAGE,
            "TargetImage": IMAGE,
            "SimilarityThreshold": PERCENT,
            "QualityFilter": QUALITY,
        },
        required=("SourceImage", "TargetImage"),
    ),
    "CreateCollection": Structure(members={"CollectionId": COLLECTION, "Tags": TAGS}, required=("CollectionId",)),
    "CreateUser": OF_USER,
    "DeleteCollection": NAMED,
    "DeleteFaces": Structure(
        members={"CollectionId": COLLECTION, "FaceIds": FACES}, required=("CollectionId", "FaceIds")
    ),
    "DeleteUser": OF_USER,
    "DescribeCollection": NAMED,
    "DetectFaces": Structure(members={"Image": IMAGE, "Attributes": ATTRIBUTES}, required=("Image",)),
    "DisassociateFaces": Structure(
        members={
            "CollectionId": COLLECTION,
            "UserId": USER,
            "ClientRequestToken": CLIENT_TOKEN,
            "FaceIds": FACES_OF_USER,
        },
        required=("CollectionId", "UserId", "FaceIds"),
    ),
    "IndexFaces": Structure(
        members={
            "CollectionId": COLLECTION,
            "Image": IMAGE,
            "ExternalImageId": EXTERNAL_IMAGE,
            "DetectionAttributes": ATTRIBUTES,
            "MaxFaces": MOST_INDEXED,
            "QualityFilter": QUALITY,
        },
        required=("CollectionId", "Image"),
    ),
    "ListCollections": Structure(members={"NextToken": PAGE_TOKEN, "MaxResults": PAGE_SIZE}),
    "ListFaces": Structure(
        members={
            "CollectionId": COLLECTION,
            "NextToken": PAGE_TOKEN,
            "MaxResults": PAGE_SIZE,
            "UserId": USER,
            "FaceIds": FACES,
        },
        required=("CollectionId",),
    ),
    "ListTagsForResource": Structure(members={"ResourceArn": RESOURCE}, required=("ResourceArn",)),
    "ListUsers": Structure(
        members={"CollectionId": COLLECTION, "MaxResults": MOST_USERS, "NextToken": PAGE_TOKEN},
        required=("CollectionId",),
    ),
    "SearchFaces": Structure(
        members={"CollectionId": COLLECTION, "FaceId": FACE, "MaxFaces": MOST_FACES, "FaceMatchThreshold": PERCENT},
        required=("CollectionId", "FaceId"),
    ),
    "SearchFacesByImage": Structure(
        members={
            "CollectionId": COLLECTION,
            "Image": IMAGE,
            "MaxFaces": MOST_FACES,
            "FaceMatchThreshold": PERCENT,
            "QualityFilter": QUALITY,
        },
        required=("CollectionId", "Image"),
    ),
    "SearchUsers": Structure(
        members={
            "CollectionId": COLLECTION,
            "UserId": USER,
            "FaceId": FACE,
            "UserMatchThreshold": PERCENT,
            "MaxUsers": MOST_USERS,
        },
        required=("CollectionId",),
    ),
    "SearchUsersByImage": Structure(
        members={
            "CollectionId": COLLECTION,
            "Image": IMAGE,
            "UserMatchThreshold": PERCENT,
            "MaxUsers": MOST_USERS,
            "QualityFilter": QUALITY,
        },
        required=("CollectionId", "Image"),
    ),
    "TagResource": Structure(members={"ResourceArn": RESOURCE, "Tags": TAGS}, required=("ResourceArn", "Tags")),
    "UntagResource": Structure(
        members={"ResourceArn": RESOURCE, "TagKeys": TAG_KEYS}, required=("ResourceArn", "TagKeys")
    ),
}
"""By operation."""

NOT_OFFERED = frozenset(
    {
        "CopyProjectVersion",
        "CreateDataset",
        "CreateFaceLivenessSession",
        "CreateProject",
        "CreateProjectVersion",
        "CreateStreamProcessor",
        "DeleteDataset",
        "DeleteProject",
        "DeleteProjectPolicy",
        "DeleteProjectVersion",
        "DeleteStreamProcessor",
        "DescribeDataset",
        "DescribeProjectVersions",
        "DescribeProjects",
        "DescribeStreamProcessor",
        "DetectCustomLabels",
        "DetectLabels",
        "DetectModerationLabels",
        "DetectProtectiveEquipment",
        "DetectText",
        "DistributeDatasetEntries",
        "GetCelebrityInfo",
        "GetCelebrityRecognition",
        "GetContentModeration",
        "GetFaceDetection",
        "GetFaceLivenessSessionResults",
        "GetFaceSearch",
        "GetLabelDetection",
        "GetMediaAnalysisJob",
        "GetPersonTracking",
        "GetSegmentDetection",
        "GetTextDetection",
        "ListDatasetEntries",
        "ListDatasetLabels",
        "ListMediaAnalysisJobs",
        "ListProjectPolicies",
        "ListStreamProcessors",
        "PutProjectPolicy",
        "RecognizeCelebrities",
        "StartCelebrityRecognition",
        "StartContentModeration",
        "StartFaceDetection",
        "StartFaceSearch",
        "StartLabelDetection",
        "StartMediaAnalysisJob",
        "StartPersonTracking",
        "StartProjectVersion",
        "StartSegmentDetection",
        "StartStreamProcessor",
        "StartTextDetection",
        "StopProjectVersion",
        "StopStreamProcessor",
        "UpdateDatasetEntries",
        "UpdateStreamProcessor",
    }
)
"""The operations of AWS that are answered with a refusal that names those that we have."""
