"""The zoo: one module per problem, one factory per machine."""
