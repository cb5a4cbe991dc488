"""Elements of an XML record, named by the prefixes of its namespaces."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sco.model import Words

NOT_XML = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
LOCALISED = {"locale": "#FR"}


@dataclass(frozen=True)
class Elements:
    """The elements of one kind of record."""

    spaces: Mapping[str, str]
    """Addresses of namespaces by prefix."""
    codes: str
    """Address of the lists of codes."""
    free_text: str
    """Prefix of what is said in more than one language."""

    def node(self, name: str, *children: ET.Element) -> ET.Element:
        """An element around others."""
        node = ET.Element(self.tag(name))
        node.extend(children)
        return node

    def text(self, name: str, words: str, **attrs: str) -> ET.Element:
        """An element with words, without the characters that XML has no place for."""
        node = ET.Element(self.tag(name), attrs)
        node.text = NOT_XML.sub("", words)
        return node

    def words(self, name: str, words: str) -> ET.Element:
        """A property in one language."""
        return self.node(name, self.text("gco:CharacterString", words))

    def both(self, name: str, words: Words) -> ET.Element:
        """A property in English, and in French beside it."""
        prefix = self.free_text
        french = self.text(f"{prefix}:LocalisedCharacterString", words.fr, **LOCALISED)
        told = self.node(f"{prefix}:PT_FreeText", self.node(f"{prefix}:textGroup", french))
        node = self.node(name, self.text("gco:CharacterString", words.en), told)
        node.set(self.tag("xsi:type"), f"{prefix}:PT_FreeText_PropertyType")
        return node

    def code(self, name: str, kind: str, value: str) -> ET.Element:
        """A property whose value is in a list of codes; `kind` has its prefix."""
        listed = f"{self.codes}#{kind.partition(':')[2]}"
        return self.node(name, self.text(kind, value, codeList=listed, codeListValue=value))

    def tag(self, name: str) -> str:
        """The name as ElementTree has it."""
        prefix, _, local = name.partition(":")
        return f"{{{self.spaces[prefix]}}}{local}"

    def write(self, root: ET.Element, path: Path) -> None:
        """Write the record with these prefixes."""
        for prefix, address in self.spaces.items():
            ET.register_namespace(prefix, address)
        tree = ET.ElementTree(root)
        ET.indent(tree, " ")
        tree.write(path, encoding="utf-8", xml_declaration=True)
