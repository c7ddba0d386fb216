"""Photos that come in another way than `POST /api/photos`: straight into the storage, or bit by bit over bad networks.

Both begin with a row that says what is coming, and end in `finish`, which makes the photo in one transaction. Until
then bytes lie under `staging/{owner}/{upload}/`, which no photo ever refers to.
"""
