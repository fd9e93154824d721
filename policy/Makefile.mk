exampledir = $(docdir)/examples
dist_example_DATA = policy/50-example.conf

# What root may do, and whom polkit lets.
dist_polkitaction_DATA = policy/org.pcassign1.policy
dist_example_DATA += policy/50-pcassign.rules
