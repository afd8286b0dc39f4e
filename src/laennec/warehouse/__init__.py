"""Person buckets over sealed files: layout, reading, snapshots of OMOP tables."""
