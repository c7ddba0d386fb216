"""The ground floor: ports, their adapters, and the nouns that every capability stands on."""
