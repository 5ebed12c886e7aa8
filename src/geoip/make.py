"""Writes invented.mmdb, a MaxMind file of invented places: pip install mmdb_writer; python make.py"""
from netaddr import IPSet
from mmdb_writer import MMDBWriter

writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type="Invented-City", languages=["en"], description="Invented places for tests")
writer.insert_network(IPSet(["203.0.113.0/24"]), {
    "country": {"iso_code": "XB", "names": {"de": "Bugelland", "en": "Bugleland"}},
    "subdivisions": [{"iso_code": "HO", "names": {"en": "Hornshire"}}],
    "city": {"names": {"de": "Signalstadt", "en": "Reveille"}}, "location": {"latitude": 1.5, "longitude": -2.25, "accuracy_radius": 100},
})
writer.insert_network(IPSet(["2001:db8:7::/48"]), {"country": {"iso_code": "XC", "names": {"en": "Calmland"}}})
writer.insert_network(IPSet(["198.51.100.0/25"]), {"registered_country": {"iso_code": "XD"}})
writer.to_db_file("invented.mmdb")
