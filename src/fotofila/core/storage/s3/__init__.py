"""S3 and its kin: AWS, Cloudflare R2, MinIO, SeaweedFS."""
