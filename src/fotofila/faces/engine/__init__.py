"""Who finds and knows faces: our own models (`local`), or Amazon Rekognition (`rekognition`), behind one port."""
